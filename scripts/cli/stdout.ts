/** Writes results to stdout, and checks that they were written. */
import { fstatSync, statSync, type Stats } from "node:fs";
import { Failure } from "../stack/failure";

const writes: Promise<Error | null>[] = [];

export function writeOut(data: string | Uint8Array): void {
  const write = (resolve: (problem: Error | null) => void) => {
    process.stdout.write(data, (problem) => {
      resolve(problem ?? null);
    });
  };
  writes.push(new Promise(write));
}

/**
 * Waits until everything is written.
 * @throws Failure when a write failed, unless the reader has ended early, as `| head` does.
 */
export async function flushOut(): Promise<void> {
  const problem = await firstProblem();
  if (problem !== null && codeOf(problem) !== "EPIPE") throw writeFailure(problem.message);
}

/** Like flushOut, but also fails if the reader has ended early or stdout is closed. */
export async function deliverOut(): Promise<void> {
  const problem = await firstProblem();
  if (problem !== null) throw writeFailure(problem.message);
  // Node opens a closed stdout as /dev/null.
  if (isDevNull(fstatSync(1))) throw writeFailure("stdout is closed or /dev/null");
}

async function firstProblem(): Promise<Error | null> {
  const problems = await Promise.all(writes.splice(0));
  return problems.find((problem) => problem !== null) ?? null;
}

function writeFailure(reason: string): Failure {
  return new Failure(`the result could not be written to stdout: ${reason}`);
}

/** Whether a file's status is that of /dev/null. */
export function isDevNull(status: Stats): boolean {
  const devNull = statSync("/dev/null", { throwIfNoEntry: false });
  return status.isCharacterDevice() && status.rdev === devNull?.rdev;
}

function codeOf(problem: Error): string | undefined {
  return (problem as NodeJS.ErrnoException).code;
}
