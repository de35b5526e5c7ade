/** Reachability in compact form: between groups of nodes that are alike, for people. */
import type { Prefix } from "../addresses";
import type { Node } from "../config/config";
import { jumpRelays } from "./jump-relays";
import { filters } from "./links";
import { exitsOf } from "./nat-plan";
import { carries, indexLinks, pathBetween, pathText, type LinkIndex } from "./paths";
import type { Plan } from "./plan";
import { indexPolicy, portsOf, selectorsOf, type Policy } from "./policy";

/**
 * Nodes with the same kind of links form a group, and paths are between groups. With a policy, the nodes of a group also match
 * the same rules, and the LANs behind a group are another one. All fields are maps, so that a node changes only its own entries.
 */
export interface Reachability {
  /** The group of each node, e.g. `desktop: peers of tokyo`; a relay that is not named here is a group of its own name. */
  groups: Record<string, string>;
  /**
   * `direct` or `through tokyo`, by `GROUP -> GROUP`. Leaves out pairs without a path and pairs that the policy blocks. Limited
   * ports follow: `through tokyo: tcp/443`; `through tokyo: ping`.
   */
  paths: Record<string, string>;
  /** Gateway by LAN. Peers at its site do not use the tunnel to that LAN, and groups `without IPv6` cannot reach an IPv6 LAN. */
  lans: Record<string, string>;
  /** The rules of the policy, e.g. `tag:guest -> nas: tcp/443`. Absent without one. */
  policy?: string[];
  /** The exit through which all traffic of a peer leaves, by its name. Absent if none does. */
  exits?: Record<string, string>;
}

/** What a peer reaches through an exit. */
export const OUTSIDE = "the internet";

export function reachabilityOf(plan: Plan): Reachability {
  const index = indexLinks(plan.nodes, plan.links);
  const policy = indexPolicy(plan);
  const groups = groupMembers(plan);
  const paths: Record<string, string> = {};
  for (const [fromName, from] of groups) {
    for (const [toName, to] of groups) {
      const path = groupPath(from, to, index, policy);
      if (path !== null) paths[`${fromName} -> ${toName}`] = path;
    }
  }
  const members = [...groups].flatMap(([group, all]) =>
    all.filter(({ name }) => name !== group).map(({ name }): [string, string] => [name, group]),
  );
  const lans = plan.nodes.flatMap((node) =>
    node.subnets.map((prefix): [string, string] => [prefix.text, node.name]),
  );
  const rules = rulesOf(plan.policy);
  const exits = exitsOf(plan.nodes);
  return {
    groups: Object.fromEntries(members),
    paths,
    lans: Object.fromEntries(lans),
    ...(rules === null ? {} : { policy: rules }),
    ...(Object.keys(exits).length === 0 ? {} : { exits }),
  };
}

/** The rules of a policy, e.g. `tag:guest -> nas: tcp/443`; null without one. */
export function rulesOf(policy: Plan["policy"]): string[] | null {
  if (policy === null) return null;
  return policy.map(({ from, to, ports }) => {
    return `${from.join(", ")} -> ${to.join(", ")}${limitText(portsOf(ports ?? "all"))}`;
  });
}

/** The group of a node that is in the network. */
export function groupOf(name: string, { groups }: Reachability): string {
  return Object.hasOwn(groups, name) ? (groups[name] ?? name) : name;
}

/** The suffix of a path with limited ports: `: tcp/443`, or `: ping`. */
export function limitText(ports: readonly string[] | undefined): string {
  return ports === undefined ? "" : `: ${ports.join(" ") || "ping"}`;
}

/** A node, or with a policy also a LAN behind it. */
interface Member {
  name: string;
  node: Node;
  lan: Prefix | null;
}

/** The members of a group do not differ in anything that planLinks and the policy use, so any of them represents all. */
function groupMembers({ nodes, network, policy }: Plan): Map<string, Member[]> {
  const dialled = new Set(
    nodes.flatMap(({ site, siteEndpoint }) =>
      siteEndpoint === null || site === null ? [] : [site],
    ),
  );
  const labels = policy === null ? null : labelsOf(nodes, policy);
  const groups = new Map<string, Member[]>();
  const add = (group: string, member: Member) => {
    const members = groups.get(group);
    if (members === undefined) groups.set(group, [member]);
    else members.push(member);
  };
  for (const node of nodes) {
    const without6 = network.cidr6 !== null && node.address6 === null;
    const label = node.kind === "relay" ? "" : (labels?.ofNode(node) ?? "");
    const name = groupName(node, dialled) + label + (without6 ? " without IPv6" : "");
    add(name, { name: node.name, node, lan: null });
    if (labels === null) continue;
    for (const lan of node.subnets) add(labels.ofLan(lan, name), { name: lan.text, node, lan });
  }
  return new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `dialledSites`: the sites with a node that others of the site dial. Other sites do not affect links. */
function groupName(node: Node, dialledSites: ReadonlySet<string>): string {
  if (node.kind === "relay") return node.name;
  const home = node.relay === null ? "peers" : `peers of ${node.relay}`;
  const site = node.site === null || !dialledSites.has(node.site) ? "" : ` at ${node.site}`;
  const dialled = node.endpoint === null ? "" : " with an endpoint";
  const dialledAtSite = node.siteEndpoint === null ? "" : " with a site endpoint";
  return `${home}${site}${dialled}${dialledAtSite}`;
}

interface Labels {
  /** E.g. ` (tag:guest)`: the part of the group's name that depends on the policy. */
  ofNode(node: Node): string;
  /** The group of a LAN behind a node of this group. */
  ofLan(lan: Prefix, group: string): string;
}

function labelsOf(nodes: readonly Node[], policy: NonNullable<Plan["policy"]>): Labels {
  const used = new Set(policy.flatMap(({ from, to }) => [...from, ...to]));
  // Direct links depend on the LANs behind a node, and on whether it can drop packets.
  const dialled = nodes.some(
    ({ kind, endpoint, siteEndpoint }) =>
      kind === "peer" && (endpoint !== null || siteEndpoint !== null),
  );
  const forLinks = (node: Node) => [
    ...node.subnets.flatMap(({ text }) => (used.has(text) ? [text] : [])),
    ...(node.subnets.length > 0 ? ["with LANs"] : []),
    ...(filters(node) ? [] : ["not pushed"]),
  ];
  return {
    ofNode: (node) => {
      const named = selectorsOf(node.name, node).filter((it) => it !== "*" && used.has(it));
      const logins = node.hosts.flatMap((host) =>
        host.kind === "via" ? [`via:${host.relay}`] : [],
      );
      // All relays may ping a node that is reached only through the tunnel.
      const direct = logins.length > 0 && jumpRelays(node).length === 0 ? ["direct"] : [];
      const parts = [...named, ...direct, ...logins, ...(dialled ? forLinks(node) : [])];
      return parts.length === 0 ? "" : ` (${[...new Set(parts)].sort().join(", ")})`;
    },
    ofLan: ({ text, family }, group) =>
      used.has(text) ? text : `${family === 6 ? "IPv6 " : ""}LANs of ${group}`,
  };
}

function groupPath(
  from: Member[],
  to: Member[],
  index: LinkIndex,
  policy: Policy | null,
): string | null {
  const [one, other] = twoOf(from, to);
  if (one === undefined || other === undefined) return null;
  const path = pathBetween(one.node, other.node, index);
  const families = [one, other].flatMap(({ lan }) => (lan === null ? [] : [lan.family]));
  if (path === null || new Set(families).size > 1) return null;
  if (!carries(path, families[0] ?? 4, index)) return null;
  const access = policy?.access(one.name, other.name) ?? "all";
  if (access === "none") return null;
  return pathText(path) + limitText(portsOf(access));
}

/** A member of each group, at two different nodes. */
function twoOf(from: Member[], to: Member[]): [Member?, Member?] {
  for (const one of from) {
    const other = to.find(({ node }) => node !== one.node);
    if (other !== undefined) return [one, other];
  }
  return [];
}
