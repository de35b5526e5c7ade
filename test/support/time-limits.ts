/** Time limits that users are promised, checked on machines that may be busy with other tests. */
import assert from "node:assert/strict";

/** How much slower a busy machine may run what no clock of the program limits: starting the engine, its program, ssh. */
const BUSY_FACTOR = 4;

/**
 * Fails if more time has passed since `startedAt` (Date.now()) than `promisedS` seconds, on an idle machine. Of these,
 * `limitedS` seconds are the program's own time limit: they are as long on a busy machine, and get no allowance.
 */
export function assertWithin(promisedS: number, startedAt: number, limitedS = 0): void {
  const seconds = (Date.now() - startedAt) / 1000;
  const allowed = limitedS + BUSY_FACTOR * (promisedS - limitedS);
  assert.ok(seconds < allowed, `took ${seconds} s; promised: ${promisedS} s on an idle machine`);
}
