/** Allowed IPs: the destinations that a node sends to a neighbour and the sources that it accepts from it (wg(8)). */
import { encloses, hostPrefix, parsePrefix, type Prefix } from "../addresses";
import { addressesOf, tunnelPrefixes, type MeshConfig, type Node } from "../config/config";
import { jumpRelays } from "./jump-relays";
import type { LinkIndex } from "./paths";
import { membersAt, selectorsOf, type Policy } from "./policy";

/**
 * The prefixes in `node`'s section for `neighbour`. The sections of one node are disjoint, with an intended exception: a
 * peer's home relay gets the whole network, and relays give each other ranges; longer prefixes take precedence.
 */
export function allowedIps(
  node: Node,
  neighbour: Node,
  config: MeshConfig,
  index: LinkIndex,
  policy: Policy | null,
): Prefix[] {
  if (node.kind === "peer" && neighbour.name === node.relay)
    return allowedIpsOfHome(node, config, index, policy);
  if (node.kind === "relay" && neighbour.kind === "relay") {
    const served = [neighbour, ...servedBy(neighbour, node, index)];
    return withRanges(
      neighbour,
      served.flatMap((other) => prefixesFor(node, other)),
    );
  }
  const all = prefixesFor(node, neighbour);
  if (policy === null || node.kind === "relay") return all;
  const { subnets } = neighbour;
  return all.filter(
    (prefix) => !subnets.includes(prefix) || policy.mayTalkWithLan(node, prefix.text),
  );
}

/**
 * The ranges of a relay's peers instead of the addresses in them, so that one more peer there changes nothing here. The longer
 * prefixes of direct links, and of other relays' peers with addresses in a range, take precedence over it.
 */
function withRanges({ peerRanges = [] }: Node, prefixes: Prefix[]): Prefix[] {
  const rest = prefixes.filter((prefix) => !peerRanges.some((range) => encloses(range, prefix)));
  return [...peerRanges, ...rest];
}

/** The addresses of `other` and the LANs behind it. */
function prefixesFor(node: Node, other: Node): Prefix[] {
  return [...addressesOf(other).map(hostPrefix), ...lansFor(node, other)];
}

/**
 * The LANs behind `other` that `node` reaches through the tunnel. None for a peer of the same site: it is in those LANs
 * itself and dials `siteEndpoint` there, so routing them into the tunnel would route the tunnel into itself.
 */
export function lansFor(node: Node, other: Node): Prefix[] {
  const sameSite = node.kind === "peer" && node.site !== null && node.site === other.site;
  return sameSite ? [] : other.subnets;
}

const EVERYTHING: readonly Prefix[] = ["0.0.0.0/0", "::/0"].map(parsePrefix);

/**
 * The network as one prefix, so that adding a peer changes nothing here, and the LANs of nodes without a direct link. With a
 * policy, only the LANs that this node may talk with, and only the nodes that the rules name, if they use no tags and no `*`.
 * A host that is reached only through the tunnel keeps the whole network: it must accept logins from a relay with a new address.
 */
function allowedIpsOfHome(
  node: Node,
  config: MeshConfig,
  index: LinkIndex,
  policy: Policy | null,
): Prefix[] {
  if (node.routeAll === true) return [...EVERYTHING];
  const lans = index.gateways
    .filter((other) => other.name !== node.name)
    .filter((other) => other.name === node.relay || !index.linked(node.name, other.name))
    .flatMap((other) => lansFor(node, other))
    .filter((lan) => policy?.mayTalkWithLan(node, lan.text) ?? true);
  const named = policy === null || jumpRelays(node).length > 0 ? null : namedFor(node, policy);
  if (named === null) return [...tunnelPrefixes(config.network), ...lans];
  const others = index.nodes.filter(
    (other) =>
      named.has(other.name) && (other.name === node.relay || !index.linked(node.name, other.name)),
  );
  return [...others.flatMap(addressesOf).map(hostPrefix), ...lans];
}

/**
 * The names of the nodes that this one may exchange packets with; null if a rule uses a tag or `*`, because then each new node
 * would change the config of the others. The relay enforces the policy in any case.
 */
function namedFor(node: Node, { rules }: Policy): Set<string> | null {
  const own = new Set(membersAt(node).flatMap((member) => selectorsOf(member, node)));
  const others = rules.flatMap(({ from, to }) => [
    ...(from.some((selector) => own.has(selector)) ? to : []),
    ...(to.some((selector) => own.has(selector)) ? from : []),
  ]);
  if (others.some((selector) => selector === "*" || selector.startsWith("tag:"))) return null;
  return new Set(others.filter((selector) => selector !== node.name));
}

/** The peers whose home relay is `relay` and to which `from` has no direct link. */
function servedBy(relay: Node, from: Node, index: LinkIndex): Node[] {
  return index
    .neighbours(relay.name)
    .filter((peer) => peer.relay === relay.name && !index.linked(from.name, peer.name));
}
