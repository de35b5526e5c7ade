/** Looking after processes that a command has started: which they are, and whether they live. */
import * as fs from "node:fs";

/** Waits until `look` gives something. */
export async function eventually<T>(
  what: string,
  look: () => T | undefined,
  patienceMs = 10_000,
): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The whole lines of a file, once there are at least so many. */
export function linesOf(file: string, atLeast: number, patienceMs?: number): Promise<string[]> {
  const enough = (): string[] | undefined => {
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    const lines = text.split("\n").slice(0, -1);
    return lines.length >= atLeast ? lines : undefined;
  };
  return eventually(`${atLeast} lines in ${file}`, enough, patienceMs);
}

/** Whether a process runs; one that has ended and only waits to be asked how does not. */
export function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

export function gone(pid: string): Promise<true> {
  return eventually(`the end of process ${pid}`, () => (isAlive(pid) ? undefined : true));
}

/** Ends a process for good, if it is still there. */
export function end(pid: string): void {
  try {
    process.kill(Number(pid), "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** The processes that have a variable in their environment, as `NAME=VALUE`. */
export function processesWith(variable: string): string[] {
  return fs.readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return fs.readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(variable);
    } catch {
      return false;
    }
  });
}
