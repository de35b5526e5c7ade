/** Creates that a killed run began: the engine does not know how they ended, and warns of them at each run from then on. */
import { askEngine, complaintOf, onStack } from "../../stack/engine";
import { isPush } from "../../stack/engine-events";
import type { EngineRun } from "../../stack/engine-run";
import type { Stack } from "../../stack/project";
import { say } from "../command";

/**
 * A push has no half: after a run that went through, the host is what the state says, and the warning is about nothing.
 * Of anything else (an instance on EC2) there may be one more than the state knows, so then the engine's words stay.
 */
export async function forgetUnfinished(stack: Stack, run: EngineRun): Promise<void> {
  const { exitCode, unfinished } = run;
  if (exitCode !== 0 || unfinished.length === 0 || !unfinished.every(isPush)) return;
  // The engine's own way to it. No host is asked: a push cannot be read back.
  const args = ["refresh", "--yes", "--skip-preview", "--clear-pending-creates"];
  const targets = unfinished.flatMap((urn) => ["--target", urn]);
  const answer = await askEngine(stack.project, onStack(stack, ...args, ...targets));
  if (answer.exitCode !== 0)
    say(`what an interrupted run had begun is still in the state: ${complaintOf(answer)}`);
}
