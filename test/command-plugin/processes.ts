/** Finds, waits for and ends processes that a command has started. */
import * as fs from "node:fs";
import { poll } from "../../scripts/poll";

/** Waits until `attempt` returns a value. @throws Error after `limitMs` */
export async function waitForValue<T>(
  what: string,
  attempt: () => T | undefined,
  limitMs = 10_000,
): Promise<T> {
  const result = await poll(attempt, { limitMs, pauseMs: 20 });
  if (result === undefined) throw new Error(`no ${what} within ${limitMs} ms`);
  return result;
}

/** Waits until a file has at least so many complete lines and returns them. */
export function linesOf(file: string, atLeast: number, limitMs?: number): Promise<string[]> {
  const read = (): string[] | undefined => {
    const text = fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "";
    const lines = text.split("\n").slice(0, -1);
    return lines.length >= atLeast ? lines : undefined;
  };
  return waitForValue(`${atLeast} lines in ${file}`, read, limitMs);
}

/** Whether a process exists and is not a zombie. */
export function isAlive(pid: string): boolean {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

export function waitForExit(pid: string): Promise<true> {
  return waitForValue(`exit of process ${pid}`, () => (isAlive(pid) ? undefined : true));
}

/** Kills a process if it still exists. */
export function end(pid: string): void {
  try {
    process.kill(Number(pid), "SIGKILL");
  } catch {
    // It has already ended.
  }
}

/** The pids of all processes with this variable, `NAME=VALUE`, in their environment. */
export function processesWithVariable(variable: string): string[] {
  return fs.readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return fs.readFileSync(`/proc/${name}/environ`, "utf8").split("\0").includes(variable);
    } catch {
      return false;
    }
  });
}
