/** Reachability: as pairs for machines, and as groups of similar nodes in a human-readable form. */
import type { Node } from "../config/config";
import { formatPorts } from "../config/ports";
import { lansFor } from "./allowed-ips";
import { exitsOf } from "./nat-plan";
import { carries, indexLinks, pathBetween, type LinkIndex } from "./paths";
import type { Plan } from "./plan";
import { indexPolicy } from "./policy";

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
  return plan.nodes.flatMap((from) =>
    plan.nodes.flatMap((to) => {
      const path = from.name === to.name ? null : pathBetween(from, to, index);
      if (path === null) return [];
      const lans = lansFor(from, to).filter((prefix) => carries(path, prefix.family, index));
      return [to.name, ...lans.map((prefix) => prefix.text)].flatMap((target) => {
        const access = policy?.access(from.name, target) ?? "all";
        if (access === "none") return [];
        const limit = access === "all" ? {} : { ports: access.map(formatPorts) };
        return [{ from: from.name, to: target, path, ...limit }];
      });
    }),
  );
}

/**
 * Reachability in compact form: nodes with the same kind of links form a group, and paths are between groups. Maps only, so
 * that a node more or less changes its own entries.
 */
export interface Reachability {
  /** The group of each node, e.g. `desktop: peers of tokyo`; a relay that is not named here is a group of its own name. */
  groups: Record<string, string>;
  /** `direct` or `through tokyo`, by `GROUP -> GROUP`; pairs without a path are left out. */
  paths: Record<string, string>;
  /** Gateway by LAN. Peers at its site do not use the tunnel to that LAN, and groups `without IPv6` cannot reach an IPv6 LAN. */
  lans: Record<string, string>;
  /** The exit through which all traffic of a peer leaves, by its name. Absent if none does. */
  exits?: Record<string, string>;
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
  const members = [...groups].flatMap(([group, nodes]) =>
    nodes.filter(({ name }) => name !== group).map(({ name }): [string, string] => [name, group]),
  );
  const lans = plan.nodes.flatMap((node) =>
    node.subnets.map((prefix): [string, string] => [prefix.text, node.name]),
  );
  const exits = exitsOf(plan.nodes);
  return {
    groups: Object.fromEntries(members),
    paths,
    lans: Object.fromEntries(lans),
    ...(Object.keys(exits).length === 0 ? {} : { exits }),
  };
}

/** The group of a node that is in the network. */
export function groupOf(name: string, { groups }: Reachability): string {
  return Object.hasOwn(groups, name) ? (groups[name] ?? name) : name;
}

/** The nodes of a group are the same in everything that planLinks uses, so one of them represents all. */
function groupNodes({ nodes, network }: Plan): Map<string, Node[]> {
  const dialled = new Set(
    nodes.flatMap(({ site, siteEndpoint }) =>
      siteEndpoint === null || site === null ? [] : [site],
    ),
  );
  const groups = new Map<string, Node[]>();
  for (const node of nodes) {
    const without6 = network.cidr6 !== null && node.address6 === null;
    const name = groupName(node, dialled) + (without6 ? " without IPv6" : "");
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [node]);
    else group.push(node);
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `dialledSites`: those with a node that others of the site dial; any other site makes no difference to links. */
function groupName(node: Node, dialledSites: ReadonlySet<string>): string {
  if (node.kind === "relay") return node.name;
  const home = node.relay === null ? "peers" : `peers of ${node.relay}`;
  const site = node.site === null || !dialledSites.has(node.site) ? "" : ` at ${node.site}`;
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
