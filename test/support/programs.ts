/** Programs that some tests need. Without one the test is skipped, or fails with TOOLS_REQUIRED=1. */
import { execFileSync } from "node:child_process";

const found = new Map<string, boolean>();

export const programs = {
  /** Skips the test if the program is not on the PATH. */
  require(test: Mocha.Context, name: string): void {
    const present = found.get(name) ?? isOnPath(name);
    found.set(name, present);
    if (!present) skip(test, `${name} is not installed`);
  },

  /** Skips the test unless it runs as root. */
  requireRoot(test: Mocha.Context): void {
    if (process.getuid?.() !== 0) skip(test, "needs root");
  },
};

function skip(test: Mocha.Context, reason: string): void {
  if (process.env["TOOLS_REQUIRED"] === "1") throw new Error(reason);
  if (test.test !== undefined) test.test.title += ` (not tried: ${reason})`;
  test.skip();
}

function isOnPath(name: string): boolean {
  try {
    execFileSync("sh", ["-c", 'command -v "$1"', "sh", name], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
