/** Writes results to stdout, and checks that they were written. */
import { fstatSync, statSync } from "node:fs";
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
 * @throws Failure when something was not. A reader that ends early, as `| head` does, is no failure of a command.
 */
export async function flushOut(): Promise<void> {
  const problem = await firstProblem();
  if (problem !== null && codeOf(problem) !== "EPIPE") throw lost(problem.message);
}

/** Like flushOut, but a reader that is gone is a failure too. */
export async function deliverOut(): Promise<void> {
  const problem = await firstProblem();
  if (problem !== null) throw lost(problem.message);
  if (isNowhere()) throw lost("stdout is closed or /dev/null");
}

async function firstProblem(): Promise<Error | null> {
  const problems = await Promise.all(writes.splice(0));
  return problems.find((problem) => problem !== null) ?? null;
}

function lost(reason: string): Failure {
  return new Failure(`the result could not be written to stdout: ${reason}`);
}

/** Node opens a closed stdout as /dev/null. */
function isNowhere(): boolean {
  const nowhere = statSync("/dev/null", { throwIfNoEntry: false });
  const out = fstatSync(1);
  return out.isCharacterDevice() && out.rdev === nowhere?.rdev;
}

function codeOf(problem: Error): string | undefined {
  return (problem as NodeJS.ErrnoException).code;
}
