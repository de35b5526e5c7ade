/** What the policy forbids to the nodes that the user named. */
import { indexPolicy } from "../plan/policy";
import { shortList } from "../review/short-list";
import type { Facts, Finding } from "./facts";

/** One finding for each pair of named nodes of which the first may not reach the second. */
export function policyFindings({ plan, names }: Facts): Finding[] {
  const policy = indexPolicy(plan);
  if (policy === null) return [];
  return names.flatMap((from, at) =>
    names.slice(at + 1).flatMap((to): Finding[] => {
      if (from === to || policy.access(from, to) !== "none") return [];
      return [
        {
          ...{ node: from, check: "policy", affects: [] },
          cause: `the policy lets it start nothing to ${to}, not even a ping`,
          remedy: `if it should, add a rule to policy in the stack file, { from: [${from}], to: [${to}] }, then run npx wireguard-mesh up`,
        },
      ];
    }),
  );
}

/** Notes instead of findings for a single named node, since what it may not reach can be intended. */
export function policyNotes({ plan, names }: Facts): string[] {
  const policy = indexPolicy(plan);
  const [from] = names;
  if (policy === null || from === undefined || names.length > 1) return [];
  const others = plan.nodes.map(({ name }) => name).filter((name) => name !== from);
  const closed = others.filter((to) => policy.access(from, to) === "none");
  return closed.length === 0
    ? []
    : [`The policy lets ${from} start nothing to: ${shortList(closed)}`];
}
