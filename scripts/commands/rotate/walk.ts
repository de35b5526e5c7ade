/** One `up`, and then a look at whether the new keys are proven: again and again, for a bounded time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Plan } from "../../../mesh/plan/plan";
import { openAccess, readPlan } from "../../stack/network";
import type { Stack } from "../../stack/project";
import { say } from "../command";
import { lastOutputs } from "../last-outputs";
import { askNodes } from "../status/ask-nodes";
import { converge, type UpOptions } from "../up";
import type { UpReport } from "../up/up-report";
import { pendingKeys, witnessesOf, type PendingKey } from "./pending";

export interface RotateReport {
  node: string;
  /** `pending`: both keys work, and somebody has not come over. `failed`: the engine's run did not come to its end. */
  outcome: "finished" | "pending" | "failed";
  pending: PendingKey[];
  up: UpReport;
}

/** For the last of them to try again: a handshake in vain is repeated after 5 s (REKEY_TIMEOUT). */
const LIMIT_MS = 20_000;
const PAUSE_MS = 1_000;

/** `names`: whose next key has to be proven; none: the run alone. */
export async function convergeAndProve(
  names: readonly string[],
  stack: Stack,
  options: Pick<UpOptions, "yes" | "json">,
): Promise<Pick<RotateReport, "pending" | "up">> {
  const unasked = options.yes === true ? { yes: true as const, skipPreview: true as const } : {};
  const { report: up } = await converge(stack, [], { ...options, ...unasked });
  if (names.length === 0) return { up, pending: [] };
  // Once: only a run of the engine changes the outputs.
  const plan = readPlan(stack, await lastOutputs(stack));
  if (up.exitCode !== 0) return { up, pending: await look(names, plan, stack) };
  say("waiting until the new key is proven by handshakes...");
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const pending = await look(names, plan, stack);
    const silent = pending.some(({ waitsFor }) => waitsFor.some(({ why }) => why === "silent"));
    if (!silent || Date.now() + PAUSE_MS > deadline) return { up, pending };
    await sleep(PAUSE_MS);
  }
}

/** How far the next keys of these nodes are proven. */
export async function look(
  names: readonly string[],
  plan: Plan,
  stack: Stack,
): Promise<PendingKey[]> {
  const answers = await askNodes(witnessesOf(plan), await openAccess(stack, plan));
  return pendingKeys(plan, answers).filter(({ node }) => names.includes(node));
}
