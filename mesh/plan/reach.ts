/** Who can reach whom: pair by pair for machines, and by groups of like nodes for people. */
import type { Node } from "../config/config";
import { lansFor } from "./allowed-ips";
import { carries, indexLinks, pathBetween, type LinkIndex } from "./paths";
import type { Plan } from "./plan";

export interface Reach {
  from: string;
  /** A node's name, or a LAN as a CIDR. */
  to: string;
  /** The nodes on the way, both ends included; for a LAN it ends with the node before it. */
  path: string[];
}

/** Every ordered pair that can talk, LANs as targets included: O(nodes²). */
export function reachOf(plan: Plan): Reach[] {
  const index = indexLinks(plan.nodes, plan.links);
  return plan.nodes.flatMap((from) =>
    plan.nodes.flatMap((to) => {
      const path = from.name === to.name ? null : pathBetween(from, to, index);
      if (path === null) return [];
      const lans = lansFor(from, to).filter((prefix) => carries(path, prefix.family, index));
      return [to.name, ...lans.map((prefix) => prefix.text)].map((target) => ({
        from: from.name,
        to: target,
        path,
      }));
    }),
  );
}

/** Reachability in a form that stays small: nodes that are linked alike make one group, and groups have paths. */
export interface Reachability {
  /** Members by group, e.g. `peers of tokyo: [desktop, laptop]`. */
  groups: Record<string, string[]>;
  /** `direct` or `through tokyo`, by `GROUP -> GROUP`; pairs that cannot talk are left out. */
  paths: Record<string, string>;
  /** The node in front of each LAN; peers at its site are in that LAN themselves. To an IPv6 LAN no path leads that touches a group `without IPv6`. */
  lans: Record<string, string>;
}

export function reachabilityOf(plan: Plan): Reachability {
  const index = indexLinks(plan.nodes, plan.links);
  const groups = groupNodes(plan);
  const paths: Record<string, string> = {};
  for (const [fromName, from] of groups) {
    for (const [toName, to] of groups) {
      const path = groupPath(from, to, index);
      if (path !== null) paths[`${fromName} -> ${toName}`] = path;
    }
  }
  const lans = plan.nodes.flatMap((node) =>
    node.subnets.map((prefix): [string, string] => [prefix.text, node.name]),
  );
  return {
    groups: Object.fromEntries(
      [...groups].map(([name, nodes]) => [name, nodes.map((node) => node.name)]),
    ),
    paths,
    lans: Object.fromEntries(lans),
  };
}

/** Nodes in one group differ in nothing that planLinks looks at, so one of them speaks for all. */
function groupNodes({ nodes, network }: Plan): Map<string, Node[]> {
  const groups = new Map<string, Node[]>();
  for (const node of nodes) {
    const name =
      groupName(node) + (network.cidr6 !== null && node.address6 === null ? " without IPv6" : "");
    groups.set(name, [...(groups.get(name) ?? []), node]);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function groupName(node: Node): string {
  if (node.kind === "relay") return `relay ${node.name}`;
  const home = node.relay === null ? "peers" : `peers of ${node.relay}`;
  const site = node.site === null ? "" : ` at ${node.site}`;
  const dialled = node.endpoint === null ? "" : " with an endpoint";
  const dialledAtSite = node.siteEndpoint === null ? "" : " with a site endpoint";
  return `${home}${site}${dialled}${dialledAtSite}`;
}

function groupPath(from: Node[], to: Node[], index: LinkIndex): string | null {
  const one = from[0];
  const other = to.find((node) => node !== one);
  if (one === undefined || other === undefined) return null;
  const between = pathBetween(one, other, index)?.slice(1, -1);
  if (between === undefined) return null;
  return between.length === 0 ? "direct" : `through ${between.join(", ")}`;
}
