/** The opt-in check of `up --check`: looks at every host before the engine runs, and mends what the engine has left of it. */
import type { Plan } from "../../../mesh/plan/plan";
import { openAccess } from "../../stack/network";
import type { Stack } from "../../stack/project";
import { pushAgain } from "../repush/push-again";
import { roundsOf } from "../repush";
import { askNodes } from "../status/ask-nodes";
import { driftOf } from "../status/drift";

export interface HostCheck {
  node: string;
  /** How it differed from the plan before the run, in words. */
  drift: string[];
  /** Why it could not be asked; null: it was. */
  cause: string | null;
  /** Whether it is as it should be now: the engine has pushed to it, or it was pushed to again after it. */
  mended: boolean;
}

/** Those of the pushed nodes that are not as planned; of all, or of those with a name among `names`. */
export async function checkHosts(
  stack: Stack,
  plan: Plan,
  names: string[] | null = null,
): Promise<HostCheck[]> {
  const access = await openAccess(stack, plan);
  const asked = plan.nodes.filter(({ name }) => names === null || names.includes(name));
  const answers = await askNodes(asked, access);
  return asked.flatMap((node): HostCheck[] => {
    const answer = answers.get(node.name);
    if (answer === undefined) return [];
    const finding = { node: node.name, drift: [], cause: null, mended: false };
    if (!answer.reachable) return [{ ...finding, cause: answer.cause }];
    const drift = driftOf(node, plan, access.owner, answer.facts);
    return drift.length === 0 ? [] : [{ ...finding, drift }];
  });
}

/**
 * After the engine's run: what it pushed to is as planned again. The others still differ, for it saw no change there; they
 * are told once more what the state, which is now the plan's, has for them. Hosts that `failed` have had their time.
 */
export async function mendHosts(
  stack: Stack,
  plan: Plan,
  found: HostCheck[],
  failed: readonly string[],
): Promise<HostCheck[]> {
  const names = found.map(({ node }) => node).filter((node) => !failed.includes(node));
  if (names.length === 0) return found;
  const still = new Map((await checkHosts(stack, plan, names)).map((check) => [check.node, check]));
  const rounds = (await roundsOf(stack, plan, null)).map((round) =>
    round.filter(({ node }) => still.get(node)?.cause === null),
  );
  const again = new Map((await pushAgain(rounds)).map((push) => [push.node, push]));
  return found.map((check) => {
    if (!names.includes(check.node)) return check;
    const push = again.get(check.node);
    const mended = push === undefined ? !still.has(check.node) : push.outcome !== "failed";
    return { ...check, cause: push?.reason ?? still.get(check.node)?.cause ?? null, mended };
  });
}
