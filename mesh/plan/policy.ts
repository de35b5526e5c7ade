/**
 * Who may start connections to whom. A member of the network is a node, by its name, or a LAN behind one, as CIDR: a rule for
 * a node is about its tunnel addresses alone.
 */
import { hostPrefix } from "../addresses";
import {
  addressesOf,
  tunnelPrefixes,
  type MeshConfig,
  type Network,
  type Node,
  type PolicyRule,
} from "../config/config";
import {
  formatPorts,
  includesPorts,
  mergePorts,
  overlapsPorts,
  type PortRange,
} from "../config/ports";
import { jumpRelays } from "./jump-relays";
import { servesNames } from "./names";

/** What one member may start to another. A list: these ports and pings; empty: only pings. */
export type Access = "all" | "none" | PortRange[];

/** The ports of an access, e.g. `tcp/443`; undefined: everything. */
export function portsOf(access: Exclude<Access, "none">): string[] | undefined {
  return access === "all" ? undefined : access.map(formatPorts);
}

/** A rule of the config, named by its index, or a built-in one. `name` is unique. */
interface NamedRule extends PolicyRule {
  name: string;
}

export interface Policy {
  rules: readonly NamedRule[];
  access(from: string, to: string): Access;
  /** Whether `from` and the LANs behind it may start everything to `to` and the LANs behind it. */
  isOpen(from: Node, to: Node): boolean;
  /** Whether anything is allowed between two nodes or the LANs behind them, in either direction. */
  mayTalk(one: Node, other: Node): boolean;
  /** Whether anything is allowed between a node or the LANs behind it and this LAN, in either direction. */
  mayTalkWithLan(node: Node, lan: string): boolean;
}

/** The members at a node: itself and the LANs behind it. */
export function membersAt(node: Node): string[] {
  return [node.name, ...node.subnets.map(({ text }) => text)];
}

/** The selectors that match a member: `*`, a name and tags, or a CIDR. */
export function selectorsOf(member: string, node: Node | undefined): string[] {
  return ["*", member, ...(node?.tags ?? []).map((tag) => `tag:${tag}`)];
}

/** Null: all nodes may start everything. */
export function indexPolicy({
  policy,
  nodes,
  network,
}: Pick<MeshConfig, "policy" | "nodes" | "network">): Policy | null {
  if (policy === null) return null;
  const own = policy.map((rule, at) => ({ ...rule, name: `${at}` }));
  const rules = [...own, ...builtIn(nodes, network)];
  const access = accessBetween(rules, nodes);
  const nothing = (from: string, to: string) => access(from, to) === "none";
  const mayStart = (from: string[], to: string[]) =>
    from.some((one) => to.some((other) => !nothing(one, other)));
  const mayTalk = (some: string[], others: string[]) =>
    mayStart(some, others) || mayStart(others, some);
  return {
    rules,
    access,
    isOpen: (from, to) =>
      membersAt(from).every((one) => membersAt(to).every((other) => access(one, other) === "all")),
    mayTalk: (one, other) => mayTalk(membersAt(one), membersAt(other)),
    mayTalkWithLan: (node, lan) => mayTalk(membersAt(node), [lan]),
  };
}

/** The addresses and LANs of these nodes that match the selectors; `*` is the whole network and their LANs. */
export function prefixesNamed(
  selectors: readonly string[],
  nodes: readonly Node[],
  network: Network,
): string[] {
  const wanted = new Set(selectors);
  const lans = nodes.flatMap((node) => node.subnets.map(({ text }) => text));
  if (wanted.has("*")) return [...tunnelPrefixes(network).map(({ text }) => text), ...lans];
  const named = nodes.filter((node) => selectorsOf(node.name, node).some((it) => wanted.has(it)));
  const addresses = named.flatMap(addressesOf).map((address) => hostPrefix(address).text);
  return [...addresses, ...lans.filter((lan) => wanted.has(lan))];
}

/**
 * The built-in rules: relays answer pings and DNS queries, and may log in to the nodes that are pushed to through them. Nodes
 * that are reached only through the tunnel answer pings of all relays, which locate them that way after a move.
 */
function builtIn(nodes: readonly Node[], { domain }: Network): NamedRule[] {
  const relays = nodes.filter(({ kind }) => kind === "relay").map(({ name }) => name);
  const pings: NamedRule = { name: "-ping", from: ["*"], to: relays, ports: [] };
  const servers = nodes.filter(({ kind, hosts }) => servesNames(kind, hosts.length > 0));
  const dns: NamedRule = {
    name: "-dns",
    from: ["*"],
    to: domain === undefined ? [] : servers.map(({ name }) => name),
    ports: (["tcp", "udp"] as const).map((protocol) => ({ protocol, first: 53, last: 53 })),
  };
  const logins = relays.map((relay): NamedRule => {
    const behind = nodes.filter(({ hosts }) =>
      hosts.some((host) => host.kind === "via" && host.relay === relay),
    );
    const ssh: PortRange = { protocol: "tcp", first: 22, last: 22 };
    return {
      name: `-ssh-${relay}`,
      from: [relay],
      to: behind.map(({ name }) => name),
      ports: [ssh],
    };
  });
  // With a single relay, the SSH rule already includes pings.
  const isTunnelOnly = (node: Node) => relays.length > 1 && jumpRelays(node).length > 0;
  const tunnelOnly = nodes.filter(isTunnelOnly).map(({ name }) => name);
  const moves: NamedRule = { name: "-moves", from: relays, to: tunnelOnly, ports: [] };
  return [pings, dns, ...logins, moves].filter(({ to }) => to.length > 0);
}

/** Access depends only on the rules that match, so it is computed once for all members with the same rules. */
function accessBetween(rules: readonly NamedRule[], nodes: readonly Node[]): Policy["access"] {
  const starting = new Map<string, readonly number[]>();
  const started = new Map<string, readonly number[]>();
  const members = nodes.flatMap((node) =>
    membersAt(node).map((member) => [member, member === node.name ? node : undefined] as const),
  );
  for (const [member, node] of members) {
    const selectors = selectorsOf(member, node);
    starting.set(member, matchingRules(rules, "from", selectors));
    started.set(member, matchingRules(rules, "to", selectors));
  }
  const known = new Map<string, Access>();
  return (from, to) => {
    const [starts, ends] = [starting.get(from) ?? [], started.get(to) ?? []];
    const key = `${starts.join()} ${ends.join()}`;
    const access = known.get(key) ?? union(rules, starts, ends);
    known.set(key, access);
    return access;
  };
}

/** The indexes of the rules with one of these selectors on this side. */
function matchingRules(
  rules: readonly NamedRule[],
  side: "from" | "to",
  selectors: string[],
): number[] {
  return rules.flatMap((rule, at) =>
    selectors.some((selector) => rule[side].includes(selector)) ? [at] : [],
  );
}

function union(
  rules: readonly NamedRule[],
  some: readonly number[],
  others: readonly number[],
): Access {
  const both = rules.filter((_, at) => some.includes(at) && others.includes(at));
  if (both.length === 0) return "none";
  if (both.some(({ ports }) => ports === null)) return "all";
  return mergePorts(both.flatMap(({ ports }) => ports ?? []));
}

/** The ports of `wanted` that may not all be started. */
export function closedPorts(access: Access, wanted: readonly PortRange[]): PortRange[] {
  if (access === "all") return [];
  return wanted.filter((ports) => access === "none" || !includesPorts(access, ports));
}

/** The ports of `wanted` of which at least one may be started. */
export function openPorts(access: Access, wanted: readonly PortRange[]): PortRange[] {
  if (access === "none") return [];
  return wanted.filter((ports) => access === "all" || overlapsPorts(access, ports));
}
