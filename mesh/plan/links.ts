/** Decides which pairs of nodes are linked, that is, have a peer section for each other. */
import type { Endpoint, MeshConfig, Node } from "../config/config";
import type { Policy } from "./policy";

/** A pair of nodes with a peer section for each other; `a` comes before `b`. */
export interface Link {
  a: string;
  b: string;
}

/**
 * Links every relay to every other, and every peer to its home relay. With topology `auto`, it also links a peer that can
 * be dialled to the nodes that can dial it. A peer that cannot be dialled has no link to a relay other than its home: cryptokey
 * routing accepts a source address from one neighbour only, and the peer accepts the network's from its home relay. A policy
 * leaves out the direct links that it does not need, or that it could not be enforced on.
 */
export function planLinks(config: MeshConfig, policy: Policy | null): Link[] {
  const pairs = new Map<string, Link>();
  const add = (one: Node, other: Node) => {
    const [a, b] = one.name < other.name ? [one.name, other.name] : [other.name, one.name];
    if (a !== b) pairs.set(`${a} ${b}`, { a, b });
  };
  linkThroughRelays(config.nodes, add);
  if (config.network.topology === "auto") {
    linkDirectly(config.nodes, (one, other) => {
      if (policy === null || isDirect(one, other, policy)) add(one, other);
    });
  }
  return [...pairs.values()].sort((x, y) => compare(x.a, y.a) || compare(x.b, y.b));
}

/**
 * Reports whether two peers have a direct link under a policy: the policy allows something between them, and each end can
 * enforce it. A relay has no direct link to a peer of another relay: it would send packets that it forwards over that link, where
 * the peer accepts only the relay's own addresses and LANs.
 */
function isDirect(one: Node, other: Node, policy: Policy): boolean {
  if (one.kind === "relay" || other.kind === "relay" || one === other) return false;
  const enforced = (from: Node, to: Node) => filters(to) || policy.isOpen(from, to);
  return policy.mayTalk(one, other) && enforced(one, other) && enforced(other, one);
}

/** Reports whether the node can drop what a policy does not allow: only a pushed node has a packet filter. */
export function filters(node: Node): boolean {
  return node.hosts.length > 0;
}

/** The endpoint at which `from` dials `to`, or null if it cannot. */
export function dialledEndpoint(from: Node, to: Node): Endpoint | null {
  const sameSite = from.site !== null && from.site === to.site;
  return sameSite && to.siteEndpoint !== null ? to.siteEndpoint : to.endpoint;
}

function linkThroughRelays(nodes: Node[], add: (one: Node, other: Node) => void): void {
  const relays = new Map(
    nodes.filter((node) => node.kind === "relay").map((node) => [node.name, node]),
  );
  for (const node of nodes) {
    const home = node.relay === null ? undefined : relays.get(node.relay);
    if (home !== undefined) add(node, home);
    if (node.kind === "relay") for (const other of relays.values()) add(node, other);
  }
}

function linkDirectly(nodes: Node[], add: (one: Node, other: Node) => void): void {
  const dialled = nodes.filter((node) => node.kind === "peer" && node.endpoint !== null);
  for (const target of dialled) for (const node of nodes) add(target, node);
  const atSites = nodes.filter((node) => node.kind === "peer" && node.site !== null);
  for (const target of atSites.filter((node) => node.siteEndpoint !== null)) {
    for (const node of atSites) if (node.site === target.site) add(target, node);
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
