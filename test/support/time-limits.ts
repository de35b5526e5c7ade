/** Checks documented time limits on machines that may be busy with other tests. */
import assert from "node:assert/strict";

/** How much slower a busy machine may be at steps without a time limit of their own: starting the engine, its program, ssh. */
export const BUSY_FACTOR = 3;

/**
 * Fails if more time has passed since `startedAt` (Date.now()) than `promisedS` seconds, on an idle machine. Of these,
 * `limitedS` seconds are the program's own time limit, which does not grow on a busy machine.
 */
export function assertWithin(promisedS: number, startedAt: number, limitedS = 0): void {
  const seconds = (Date.now() - startedAt) / 1000;
  const allowed = limitedS + BUSY_FACTOR * (promisedS - limitedS);
  assert.ok(seconds < allowed, `took ${seconds} s; promised: ${promisedS} s on an idle machine`);
}
