/**
 * The plan: the wanted state of every node, computed from names, addresses, public keys and ports. Plain data without
 * secrets, so it can be printed, compared and pasted into a public issue.
 */
import type { Prefix } from "../addresses";
import { expirySeconds } from "../config/activity";
import {
  formatEndpoint,
  type MeshConfig,
  type Network,
  type Node,
  type PolicyRule,
} from "../config/config";
import { linkName } from "../config/link-keys";
import { allowedIps } from "./allowed-ips";
import { planFilter, type FilterPlan } from "./filter-plan";
import { jumpRelays } from "./jump-relays";
import { dialledEndpoint, planLinks, type Link } from "./links";
import { planNat, type NatPlan } from "./nat-plan";
import { dnsOf } from "./names";
import { indexLinks, type LinkIndex } from "./paths";
import type { PeerSection } from "./peer-section";
import { indexPolicy, type Policy } from "./policy";
import {
  alternateName,
  hasSecondInterface,
  keysKnownBy,
  planRotation,
  publicKeysOf,
  announcesKey,
  type AlternatePlan,
  type KnownKey,
  type RotationPlan,
} from "./rotation";
import { isRouteAllHost } from "./route-all";

export interface Plan {
  network: Network;
  /** Null: all nodes may start everything. */
  policy: PolicyRule[] | null;
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
  /** Public keys of the relays that it dials and that send from that port, because a push sets it. */
  fixedPorts: string[];
  /** On a relay: `KEY ADDRESS` for each key of peers that are reached only through the tunnel, also of other relays. */
  tunnelOnly: string[];
  /** A relay's second interface; null if it has none. */
  alternate: AlternatePlan | null;
  /** Of a device: its home relay as DNS server, which its `dns` replaces, and the search domain. Absent: neither. */
  dns?: { servers: string[]; domain: string };
  /** What its host does during a key rotation; null if nothing. */
  rotation: RotationPlan | null;
  /** What its host allows through the tunnel; null: everything. */
  filter: FilterPlan | null;
  /** How its host translates addresses; absent: not at all. */
  nat?: NatPlan;
}

/** Computes the plan. A star has O(nodes) links; with `auto`, each peer with an endpoint is linked to all nodes. */
export function planMesh(config: MeshConfig): Plan {
  const policy = indexPolicy(config);
  const links = planLinks(config, policy);
  const index = indexLinks(config.nodes, links);
  return {
    network: config.network,
    policy: config.policy,
    nodes: config.nodes.map((node) => planNode(node, config, index, policy)),
    links,
  };
}

function planNode(
  node: Node,
  config: MeshConfig,
  index: LinkIndex,
  policy: Policy | null,
): NodePlan {
  const neighbours = index.neighbours(node.name);
  const nat = planNat(node, config);
  const sections = neighbours.flatMap((neighbour) =>
    planSections(node, neighbour, config, index, policy),
  );
  const home = node.relay === null ? undefined : index.node(node.relay);
  const dns = dnsOf(node, home, config.network);
  return {
    ...node,
    sections,
    forwarding: planForwarding(node),
    probes: neighbours
      .filter((other) => announcesKey(node) || canPing(node, other, policy))
      .sort((a, b) => rank(a) - rank(b))
      .map((neighbour) => neighbour.address.text),
    fixedPorts: neighbours.flatMap((neighbour) => planFixedPorts(node, neighbour)),
    tunnelOnly:
      node.kind === "relay" ? index.nodes.filter(isTunnelOnly).flatMap(keysWithAddress) : [],
    ...(dns === null ? {} : { dns }),
    alternate: planAlternate(node, sections, config.network),
    rotation: planRotation(node, sections, config, index),
    filter: policy === null ? null : planFilter(node, config, index, policy),
    ...(nat === null ? {} : { nat }),
  };
}

/** Reports whether the node dials the other, and the policy lets it ping the other. */
function canPing(node: Node, other: Node, policy: Policy | null): boolean {
  const mayStart = policy === null || policy.access(node.name, other.name) !== "none";
  return mayStart && dialledEndpoint(node, other) !== null;
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
  policy: Policy | null,
): PeerSection[] {
  return keysKnownBy(node, neighbour).map((known) =>
    planSection(node, neighbour, known, config, index, policy),
  );
}

function planSection(
  node: Node,
  neighbour: Node,
  known: KnownKey,
  config: MeshConfig,
  index: LinkIndex,
  policy: Policy | null,
): PeerSection {
  const families = (prefix: Prefix) =>
    prefix.family === 4 ||
    node.address6 !== null ||
    (node.blockIpv6 === true && !isRouteAllHost(node));
  return {
    name: neighbour.name,
    publicKey: known.publicKey,
    which: known.which,
    presharedKey:
      config.presharedKeys || config.linkKeys?.has(linkName(node.name, neighbour.name)) === true,
    // Without an IPv6 address the host may have IPv6 disabled, and wg-quick fails to add an IPv6 route.
    allowedIps: (known.routed ? allowedIps(node, neighbour, config, index, policy) : [])
      .filter(families)
      .map((prefix) => prefix.text),
    endpoint: known.endpoint === null ? null : formatEndpoint(known.endpoint),
    persistentKeepalive: planKeepalive(node, neighbour, config.network),
    ...expiryOf(node, neighbour),
  };
}

/**
 * A device gets no date: it does not remove peers, and each new date would need a new config. A host that is reached only through
 * the tunnel keeps its relays, or it would become unreachable.
 */
function expiryOf(node: Node, { kind, expires }: Node): Pick<PeerSection, "expires"> {
  const isNeeded = kind === "relay" && jumpRelays(node).length > 0;
  if (expires === undefined || node.hosts.length === 0 || isNeeded) return {};
  return { expires: expirySeconds(expires) };
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

function isTunnelOnly(node: Node): boolean {
  return node.kind === "peer" && jumpRelays(node).length > 0;
}

function keysWithAddress(node: Node): string[] {
  return publicKeysOf(node).map((key) => `${key} ${node.address.text}`);
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
