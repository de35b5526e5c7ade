/** Allowed IPs: what a node sends to a neighbour, and the only sources that it takes from there (wg(8), AllowedIPs). */
import { hostPrefix, type Prefix } from "../addresses";
import type { MeshConfig, Node } from "../config/config";
import type { LinkIndex } from "./paths";

/**
 * The prefixes in `node`'s section for `neighbour`. They are disjoint over the sections of one node but for one overlap
 * that is meant: the whole network at a peer's home relay, out of which the longer prefixes of direct links are cut.
 */
export function allowedIps(
  node: Node,
  neighbour: Node,
  config: MeshConfig,
  index: LinkIndex,
): Prefix[] {
  if (node.kind === "peer" && neighbour.name === node.relay)
    return throughHome(node, config, index);
  if (node.kind === "relay" && neighbour.kind === "relay") {
    const served = [neighbour, ...servedBy(neighbour, node, index)];
    return served.flatMap((other) => prefixesFor(node, other));
  }
  return prefixesFor(node, neighbour);
}

/** What `other` stands for to `node`: its own addresses and the LANs behind it. */
function prefixesFor(node: Node, other: Node): Prefix[] {
  const own = [other.address, ...(other.address6 === null ? [] : [other.address6])];
  return [...own.map(hostPrefix), ...lansFor(node, other)];
}

/**
 * The LANs behind `other` that `node` reaches through the tunnel. A peer of the same site is at home in them: there it
 * dials the other's `siteEndpoint`, and that must not be routed into the tunnel which it carries.
 */
export function lansFor(node: Node, other: Node): Prefix[] {
  const atHome = node.kind === "peer" && node.site !== null && node.site === other.site;
  return atHome ? [] : other.subnets;
}

/**
 * The network as one prefix, so that a new peer changes nothing here, and the LANs of everyone who is not a direct
 * neighbour.
 */
function throughHome(node: Node, config: MeshConfig, index: LinkIndex): Prefix[] {
  const { cidr, cidr6 } = config.network;
  const lans = index.nodes
    .filter((other) => other.subnets.length > 0 && other.name !== node.name)
    .filter((other) => other.name === node.relay || !index.linked(node.name, other.name))
    .flatMap((other) => lansFor(node, other));
  return [cidr, ...(cidr6 === null ? [] : [cidr6]), ...lans];
}

/** The peers at home with `relay` to which `from` has no link of its own. */
function servedBy(relay: Node, from: Node, index: LinkIndex): Node[] {
  return index
    .neighbours(relay.name)
    .filter((peer) => peer.relay === relay.name && !index.linked(from.name, peer.name));
}
