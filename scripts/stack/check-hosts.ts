/** `up --check`: finds the hosts that differ from the plan, and fixes those that the engine's run did not fix. */
import type { Plan } from "../../mesh/plan/plan";
import { queryHosts, type HostAnswers } from "./query-hosts";
import { driftOf } from "./drift";
import { openAccess } from "./host-access";
import type { OpenStack } from "./open-stack";
import { pushAgain } from "./push-again";
import { recordedRounds } from "./recorded-pushes";

/** A host that differed from the plan, or could not be queried. */
export interface HostCheck {
  node: string;
  /** The differences before the run, one line each. */
  drift: string[];
  /** Why it could not be queried or fixed; else null. */
  cause: string | null;
  /** Whether it matches the plan now: the engine has pushed to it, or it was pushed to again. */
  mended: boolean;
}

/** The answers of all hosts, and the hosts that differ from the plan or could not be queried. */
export interface HostChecks {
  found: HostCheck[];
  answers: HostAnswers;
}

export const NO_CHECKS: HostChecks = { found: [], answers: new Map() };

/** Checks all hosts, or those of the named nodes. */
export async function checkHosts(stack: OpenStack, names?: readonly string[]): Promise<HostChecks> {
  const access = await openAccess(stack);
  const nodes = access.plan.nodes.filter(({ name }) => names?.includes(name) ?? true);
  const answers = await queryHosts(nodes, access);
  const found = nodes.flatMap((node): HostCheck[] => {
    const answer = answers.get(node.name);
    if (answer === undefined) return [];
    const check = { node: node.name, drift: [], cause: null, mended: false };
    if (!answer.reachable) return [{ ...check, cause: answer.cause }];
    const drift = driftOf(node, access, answer.observed);
    return drift.length === 0 ? [] : [{ ...check, drift }];
  });
  return { found, answers };
}

/**
 * Call it after the engine's run, which pushes only to hosts whose config has changed. Repeats the last recorded push for the
 * other hosts in `found`, except for those in `failed`, whose push has just failed.
 */
export async function fixHosts(
  stack: OpenStack,
  plan: Plan,
  found: readonly HostCheck[],
  failed: readonly string[],
): Promise<HostCheck[]> {
  const names = found.map(({ node }) => node).filter((node) => !failed.includes(node));
  if (names.length === 0) return [...found];
  const { found: still } = await checkHosts(stack, names);
  const remaining = new Map(still.map((check) => [check.node, check]));
  const rounds = (await recordedRounds(stack, plan, null)).map((round) =>
    round.filter(({ node }) => remaining.get(node)?.cause === null),
  );
  const pushed = new Map((await pushAgain(rounds)).map((push) => [push.node, push]));
  return found.map((check) => {
    if (!names.includes(check.node)) return check;
    const push = pushed.get(check.node);
    const mended = push === undefined ? !remaining.has(check.node) : push.outcome !== "failed";
    return { ...check, cause: push?.reason ?? remaining.get(check.node)?.cause ?? null, mended };
  });
}
