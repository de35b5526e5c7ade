/** The texts and paths of a network, without secrets, which a review compares. */
import { namesText } from "../plan/names";
import type { Plan } from "../plan/plan";
import { reachabilityOf, type Reachability } from "../plan/reachability";
import { renderFilter } from "../render/filter";
import { renderRedacted, renderRedactedAlternate } from "../render/render";

/** A network according to the plan or to the engine's state. */
export interface NetworkRecord {
  nodes: ReadonlyMap<string, NodeRecord>;
  reachability: Reachability;
  /** `NAME.DOMAIN ADDRESS [ADDRESS6]`, one line for each node; null without a domain. */
  names: string | null;
}

export interface NodeRecord {
  kind: "relay" | "peer";
  /** Its wg-quick(8) file with every secret as `(hidden)`. */
  config: string;
  /** The file of a relay's second interface; null if it has none. */
  alternate: string | null;
  /** `IPv4`, `IPv6`, `IPv4 and IPv6` or `none`. */
  forwarding: string;
  /** The nftables table of its host; null if it has none. */
  filter: string | null;
  /** Whether the program pushes its config; otherwise a person delivers it. */
  pushed: boolean;
}

/** A network before its first `up`. */
export const NOTHING: NetworkRecord = {
  nodes: new Map(),
  reachability: { groups: {}, paths: {}, lans: {} },
  names: null,
};

export function recordOf(plan: Plan): NetworkRecord {
  const nodes = plan.nodes.map((node): [string, NodeRecord] => [
    node.name,
    {
      kind: node.kind,
      config: renderRedacted(node, plan.network),
      alternate: renderRedactedAlternate(node, plan.network),
      forwarding: forwardingOf(node),
      filter: renderFilter(node, plan.network),
      pushed: node.hosts.length > 0,
    },
  ]);
  return { nodes: new Map(nodes), reachability: reachabilityOf(plan), names: namesText(plan) };
}

/** `IPv4`, `IPv6`, `IPv4 and IPv6` or `none`: what the host forwards. */
export function forwardingOf({ forwarding }: Pick<Plan["nodes"][number], "forwarding">): string {
  const families = [...(forwarding.ipv4 ? ["IPv4"] : []), ...(forwarding.ipv6 ? ["IPv6"] : [])];
  return families.length === 0 ? "none" : families.join(" and ");
}
