/** Reachability as pairs, for JSON output. */
import { lansFor } from "./allowed-ips";
import { carries, indexLinks, pathBetween, type LinkIndex } from "./paths";
import type { NodePlan, Plan } from "./plan";
import { indexPolicy, portsOf, type Policy } from "./policy";

export interface Reach {
  from: string;
  /** A node's name, or a LAN as a CIDR. */
  to: string;
  /** The nodes on the path, both ends included; the path to a LAN ends at its gateway. */
  path: string[];
  /** What the policy lets `from` start besides a ping, e.g. `tcp/443`. Absent: everything. */
  ports?: string[];
}

/** Every ordered pair of which the first may start something to the second, with LANs as targets too. O(nodes²). */
export function reachOf(plan: Plan): Reach[] {
  const index = indexLinks(plan.nodes, plan.links);
  const policy = indexPolicy(plan);
  return plan.nodes.flatMap((from) => reachedBy(from, plan, index, policy));
}

/** The targets that one node may start connections to. */
export function reachFrom(from: NodePlan, plan: Plan): Reach[] {
  return reachedBy(from, plan, indexLinks(plan.nodes, plan.links), indexPolicy(plan));
}

function reachedBy(from: NodePlan, plan: Plan, index: LinkIndex, policy: Policy | null): Reach[] {
  return plan.nodes.flatMap((to) => {
    const path = from.name === to.name ? null : pathBetween(from, to, index);
    if (path === null) return [];
    const lans = lansFor(from, to).filter((prefix) => carries(path, prefix.family, index));
    return [to.name, ...lans.map((prefix) => prefix.text)].flatMap((target) => {
      const access = policy?.access(from.name, target) ?? "all";
      if (access === "none") return [];
      const ports = portsOf(access);
      return [{ from: from.name, to: target, path, ...(ports === undefined ? {} : { ports }) }];
    });
  });
}
