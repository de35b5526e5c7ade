/** A run of the engine that did not begin because another one holds the stack's lock. */
import type { EngineRun } from "../../stack/engine-run";
import type { Stack } from "../../stack/project";
import { holderOf, isLeft, readLocks, removeLock } from "../../stack/stack-locks";
import { say } from "../command";

/**
 * Runs the engine; where a killed run of this machine has left the stack's lock, takes it away and runs the engine once
 * more. What that run had begun on the hosts they undo by themselves, and no push of it outlives it for long.
 */
export async function runInTurn(stack: Stack, run: () => Promise<EngineRun>): Promise<EngineRun> {
  const first = await run();
  if (first.exitCode === 0 || first.updated || first.failed.length > 0) return first;
  const locks = await readLocks(stack);
  if (locks.length === 0) return first;
  if (locks.every(isLeft)) {
    for (const lock of locks) {
      say(`a run that was killed has left the stack's lock (${holderOf(lock)}): taken away.`);
      removeLock(lock);
    }
    return run();
  }
  const holders = locks.filter((lock) => !isLeft(lock)).map(holderOf);
  const reason = `another run holds the stack's lock: ${holders.join("; ")}. Wait until it has ended, then run this again. If it was killed: pulumi cancel --stack ${stack.name}`;
  say(reason);
  return { ...first, failed: [{ node: null, reason }] };
}
