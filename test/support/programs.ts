/** Programs that some tests compare with; without one such a test says so, and fails where none may be missing. */
import { execFileSync } from "node:child_process";

const found = new Map<string, boolean>();

export const programs = {
  /** Ends the test here as pending where the program is not there. With TOOLS_REQUIRED=1 it fails instead. */
  require(test: Mocha.Context, name: string): void {
    const present = found.get(name) ?? isOnPath(name);
    found.set(name, present);
    if (!present) skip(test, `${name} is not installed`);
  },

  /** The same for a test that only root can do. */
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
