/** What the policy forbids to the nodes that are asked about. */
import { indexPolicy } from "../plan/policy";
import { shortList } from "../review/short-list";
import type { Facts, Finding } from "./facts";

/** Of each two that are asked about: whether the first may reach the other at all. */
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

/** Of a single node, it may be what its user misses, or what is wanted: no finding. */
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
