/**
 * The plan: the wanted state of every node, computed from names, addresses, public keys and ports. Plain data without
 * secrets, so it can be printed, compared and pasted into a public issue.
 */
import type { Prefix } from "../addresses";
import { formatEndpoint, type MeshConfig, type Network, type Node } from "../config/config";
import { allowedIps } from "./allowed-ips";
import { dialledEndpoint, planLinks, type Link } from "./links";
import { indexLinks, type LinkIndex } from "./paths";
import type { PeerSection } from "./peer-section";
import {
  alternateName,
  hasSecondInterface,
  keysKnownBy,
  planRotation,
  announcesKey,
  type AlternatePlan,
  type KnownKey,
  type RotationPlan,
} from "./rotation";

export interface Plan {
  network: Network;
  /** Sorted by name. */
  nodes: NodePlan[];
  /** Sorted; `a` comes before `b`. */
  links: Link[];
}

/** A node and its wanted state. */
export interface NodePlan extends Node {
  /** Peer sections of its WireGuard interface, sorted by name. */
  sections: PeerSection[];
  /** Whether it forwards packets: relays do, and gateways to a LAN. */
  forwarding: { ipv4: boolean; ipv6: boolean };
  /** Tunnel addresses to ping after a change, relays first; a ping triggers a handshake. */
  probes: string[];
  /** Public keys of the relays that it dials and that send from that port, because we set it there. */
  fixedPorts: string[];
  /** A relay's second interface; null if it has none. */
  alternate: AlternatePlan | null;
  /** What its host does during a key rotation; null if nothing. */
  rotation: RotationPlan | null;
}

/** Computes the plan. A star has O(nodes) links; with `auto`, each peer with an endpoint is linked to all nodes. */
export function planMesh(config: MeshConfig): Plan {
  const links = planLinks(config);
  const index = indexLinks(config.nodes, links);
  return {
    network: config.network,
    nodes: config.nodes.map((node) => planNode(node, config, index)),
    links,
  };
}

function planNode(node: Node, config: MeshConfig, index: LinkIndex): NodePlan {
  const neighbours = index.neighbours(node.name);
  const sections = neighbours.flatMap((neighbour) => planSections(node, neighbour, config, index));
  return {
    ...node,
    sections,
    forwarding: planForwarding(node),
    probes: neighbours
      .filter((other) => announcesKey(node) || dialledEndpoint(node, other) !== null)
      .sort((a, b) => rank(a) - rank(b))
      .map((neighbour) => neighbour.address.text),
    fixedPorts: neighbours.flatMap((neighbour) => planFixedPorts(node, neighbour)),
    alternate: planAlternate(node, sections, config.network),
    rotation: planRotation(node, sections, config, index),
  };
}

/** Same peers on both interfaces. */
function planAlternate(
  node: Node,
  sections: PeerSection[],
  network: Network,
): AlternatePlan | null {
  const { nextPublicKey, rotationPort } = node;
  if (!hasSecondInterface(node) || nextPublicKey === null || rotationPort === null) return null;
  return {
    interface: alternateName(network.interface),
    publicKey: nextPublicKey,
    listenPort: rotationPort,
    sections,
  };
}

function planSections(
  node: Node,
  neighbour: Node,
  config: MeshConfig,
  index: LinkIndex,
): PeerSection[] {
  return keysKnownBy(node, neighbour).map((known) =>
    planSection(node, neighbour, known, config, index),
  );
}

function planSection(
  node: Node,
  neighbour: Node,
  known: KnownKey,
  config: MeshConfig,
  index: LinkIndex,
): PeerSection {
  const families = (prefix: Prefix) => prefix.family === 4 || node.address6 !== null;
  return {
    name: neighbour.name,
    publicKey: known.publicKey,
    which: known.which,
    presharedKey: config.presharedKeys,
    // Without an IPv6 address the host may have IPv6 disabled, and wg-quick fails to add an IPv6 route.
    allowedIps: (known.routed ? allowedIps(node, neighbour, config, index) : [])
      .filter(families)
      .map((prefix) => prefix.text),
    endpoint: known.endpoint === null ? null : formatEndpoint(known.endpoint),
    persistentKeepalive: planKeepalive(node, neighbour, config.network),
    ...expiryOf(node, neighbour),
  };
}

/** A device has nobody to remove the peer, and would need a new config for every other date. */
function expiryOf({ hosts }: Node, { expires }: Node): Pick<PeerSection, "expires"> {
  return expires === undefined || hosts.length === 0 ? {} : { expires: Math.ceil(expires / 1000) };
}

/** Seconds, or null for off. By default only a node that the neighbour cannot dial has to keep its NAT mapping open. */
function planKeepalive(node: Node, neighbour: Node, network: Network): number | null {
  if (dialledEndpoint(node, neighbour) === null) return null;
  const behindNat = dialledEndpoint(neighbour, node) === null;
  const seconds = node.persistentKeepalive ?? (behindNat ? network.persistentKeepalive : 0);
  return seconds === 0 ? null : seconds;
}

function planFixedPorts(node: Node, neighbour: Node): string[] {
  if (neighbour.kind !== "relay" || neighbour.hosts.length === 0) return [];
  return keysKnownBy(node, neighbour).flatMap(({ publicKey, which, endpoint }) => {
    const port = which === "next" ? neighbour.rotationPort : neighbour.listenPort;
    return endpoint?.port === port ? [publicKey] : [];
  });
}

function planForwarding(node: Node): NodePlan["forwarding"] {
  const relays = node.kind === "relay";
  const gateway = (family: 4 | 6) => node.subnets.some((prefix) => prefix.family === family);
  return {
    ipv4: relays || gateway(4),
    ipv6: (relays && node.address6 !== null) || gateway(6),
  };
}

function rank(node: Node): number {
  return node.kind === "relay" ? 0 : 1;
}
