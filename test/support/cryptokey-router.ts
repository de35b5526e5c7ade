/**
 * The test oracle: follows a packet through a set of wg-quick files hop by hop, the way WireGuard does it. The longest
 * prefix among the allowed IPs decides where a packet goes and whether it is accepted. Deliberately naive, and independent
 * of the plan. Where a machine has an nftables table, each packet passes its hooks too.
 */
import { bitsOfPrefix, isInPrefix, sameFamily } from "./address-bits";
import {
  isAccepted,
  isMasqueraded,
  type Connection,
  type FilteredPacket,
  type Protocol,
} from "./nft-table";
import { readWgQuick, type WgPeer, type WgQuickText } from "./wg-quick-text";

/** One machine: its file, and facts about its network. */
export interface RoutedMachine {
  name: string;
  publicKey: string;
  /** The wg-quick file; may be redacted. */
  text: string;
  /** A second interface, without addresses. Packets take the interface that has a session. */
  second?: { publicKey: string; text: string };
  /** Two keys of one peer. The host gives the allowed IPs to the one that can complete a handshake. */
  pairs?: { current: string; next: string }[];
  forwarding: { ipv4: boolean; ipv6: boolean };
  /** Its nftables table, and the names of the interfaces that this is for. */
  filter?: { text: string; interface: string };
  /** LANs behind it. */
  lans: string[];
  /** `host:port` at which every machine can dial it. */
  outer: string[];
  site: string | null;
  /** `host:port` at which machines of its site can dial it. */
  outerAtSite: string[];
}

interface Router {
  /**
   * The names of the machines on the path of a packet, or null if the packet or its reply is dropped. `from` is a machine, or
   * an address in a LAN.
   */
  path(from: string, destination: string, traffic?: Traffic): string[] | null;
  /**
   * The machine that sends a packet to a destination outside the network on, with its own address as the source; null if
   * there is none.
   */
  exit(from: string, destination: string): string | null;
  /** Whether a packet that a machine sends with any source address gets to its destination. */
  arrives(from: string, connection: Connection): boolean;
}

/** What is started; a ping by default. */
export interface Traffic {
  protocol: Protocol;
  port: number;
}

interface Node extends RoutedMachine {
  config: WgQuickText;
  ports: Port[];
}

/** One WireGuard interface of a node. */
interface Port {
  node: Node;
  publicKey: string;
  outer: string[];
  outerAtSite: string[];
  peers: WgPeer[];
}

export function routerOf(machines: readonly RoutedMachine[]): Router {
  const nodes = machines.map(nodeOf);
  for (const port of nodes.flatMap((node) => node.ports)) moveAllowedIps(port, nodes);
  return {
    exit: (from, destination) => exitFor(nodes, from, destination),
    path: (from, destination, traffic = { protocol: "icmp", port: 0 }) => {
      const own = nodes.find((node) => node.name === from);
      const start = own ?? nodes.find((node) => isBehind(node, from));
      const source = own === undefined ? from : addressOf(own, destination);
      if (start === undefined || source === undefined) return null;
      const connection = { source, destination, ...traffic };
      const there = walk(nodes, start, connection, "original");
      const end = there?.at(-1);
      if (there === null || end === undefined) return null;
      const back = walk(nodes, end, connection, "reply");
      return back?.at(-1) === start ? there.map((node) => node.name) : null;
    },
    arrives: (from, connection) => {
      const start = nodes.find((node) => node.name === from);
      return start !== undefined && walk(nodes, start, connection, "original") !== null;
    },
  };
}

type Direction = FilteredPacket["direction"];

/** The nodes on the path of a packet, from its source to its destination; null if it is dropped. */
function walk(
  nodes: Node[],
  start: Node,
  connection: Connection,
  direction: Direction,
): Node[] | null {
  const ends = [connection.source, connection.destination];
  const [source = "", destination = ""] = direction === "original" ? ends : ends.reverse();
  const passed = [start];
  const entersLan = !owns(start, source);
  if (entersLan && !forwards(start, source)) return null;
  for (let at = start; passed.length <= nodes.length;) {
    const input = at !== start ? TUNNEL : entersLan ? LAN : null;
    const passes = (output: Side) => isLetThrough(at, { input, output }, connection, direction);
    if (owns(at, destination)) return passes(null) ? passed : null;
    if (isBehind(at, destination)) return forwards(at, destination) && passes(LAN) ? passed : null;
    if (at !== start && !forwards(at, destination)) return null;
    const hop = isOnItsLan(nodes, at, destination) ? undefined : nextHop(nodes, at, destination);
    if (hop === undefined || !accepts(hop, source) || !passes(TUNNEL)) return null;
    passed.push(hop.into.node);
    at = hop.into.node;
  }
  return null;
}

function addressOf(node: Node, destination: string): string | undefined {
  return node.config.addresses.map(withoutLength).find((own) => sameFamily(own, destination));
}

function exitFor(nodes: Node[], from: string, destination: string): string | null {
  const start = nodes.find((node) => node.name === from);
  const hop = start && nextHop(nodes, start, destination);
  const source = start && addressOf(start, destination);
  if (hop === undefined || source === undefined || !accepts(hop, source)) return null;
  const { node } = hop.into;
  const connection = { source, destination, protocol: "tcp", port: 443 } as const;
  const passes =
    isLetThrough(node, { input: TUNNEL, output: LAN }, connection, "original") &&
    isLetThrough(node, { input: LAN, output: TUNNEL }, connection, "reply");
  const isTranslated =
    node.filter !== undefined && isMasqueraded(node.filter.text, { output: LAN, connection });
  return passes && isTranslated && forwards(node, source) ? node.name : null;
}

/** The route of a LAN that a peer is in itself beats a default route into the tunnel, but nothing more specific. */
function isOnItsLan(nodes: Node[], at: Node, destination: string): boolean {
  const near = nodes.filter(({ site }) => site !== null && site === at.site);
  const isDefault = at.ports.some((port) => isDefaultRoute(port, destination));
  return isDefault && near.some((node) => isBehind(node, destination));
}

/** The longest prefix that contains the address is `0.0.0.0/0` or `::/0`. */
function isDefaultRoute(port: Port, address: string): boolean {
  const section = sectionFor(port, address);
  return (
    section?.allowedIps.some((prefix) => prefix.endsWith("/0") && isInPrefix(address, prefix)) ===
      true &&
    !section.allowedIps.some((prefix) => !prefix.endsWith("/0") && isInPrefix(address, prefix))
  );
}

const TUNNEL = "tunnel";
const LAN = "eth0";

/** Where a packet comes from or goes to; null: the machine itself. */
type Side = typeof TUNNEL | typeof LAN | null;

/** The table's verdict on a packet that passes a machine. */
function isLetThrough(
  { filter }: Node,
  { input, output }: { input: Side; output: Side },
  connection: Connection,
  direction: Direction,
): boolean {
  if (filter === undefined) return true;
  const named = (side: Side) => (side === TUNNEL ? filter.interface : side);
  const hook = output === null ? "input" : input === null ? "output" : "forward";
  const packet = {
    hook,
    input: named(input),
    output: named(output),
    connection,
    direction,
  } as const;
  return isAccepted(filter.text, packet);
}

function nodeOf(machine: RoutedMachine): Node {
  const config = readWgQuick(machine.text);
  const node: Node = { ...machine, config, ports: [] };
  const { publicKey, outer, outerAtSite, second } = machine;
  node.ports.push({ node, publicKey, outer, outerAtSite, peers: config.peers });
  if (second === undefined) return node;
  const { listenPort, peers } = readWgQuick(second.text);
  const moved = (places: string[]) =>
    places.map((place) => place.replace(/\d+$/, String(listenPort)));
  const [there, atSite] = [moved(outer), moved(outerAtSite)];
  node.ports.push({ node, publicKey: second.publicKey, outer: there, outerAtSite: atSite, peers });
  return node;
}

/** Moves the allowed IPs of a pair to its next key if that can complete a handshake, as the host does. */
function moveAllowedIps(port: Port, nodes: Node[]): void {
  for (const { current, next } of port.node.pairs ?? []) {
    const [currentPeer, nextPeer] = [current, next].map((key) =>
      port.peers.find(({ publicKey }) => publicKey === key),
    );
    if (currentPeer === undefined || nextPeer === undefined) continue;
    if (portOf(nodes, next, port) === undefined) continue;
    nextPeer.allowedIps = [...currentPeer.allowedIps];
    currentPeer.allowedIps = [];
  }
}

/** The port with this key, if `from` can have a session with it. */
function portOf(nodes: Node[], key: string | undefined, from: Port): Port | undefined {
  const ports = nodes.flatMap((node) => node.ports);
  return ports.find((port) => port.publicKey === key && canTalk(from, port));
}

function nextHop(nodes: Node[], at: Node, destination: string): Hop | undefined {
  for (const out of at.ports) {
    const into = portOf(nodes, sectionFor(out, destination)?.publicKey, out);
    if (into !== undefined) return { out, into };
  }
  return undefined;
}

interface Hop {
  out: Port;
  into: Port;
}

/** Cryptokey routing of incoming packets: the sender must be the peer that a reply would go to. */
function accepts({ out, into }: Hop, source: string): boolean {
  return sectionFor(into, source)?.publicKey === out.publicKey;
}

/** The section with the longest prefix that contains the address; of two equal ones the later, as in wg. */
function sectionFor(port: Port, address: string): WgPeer | undefined {
  let best: { section: WgPeer; length: number } | undefined;
  for (const section of port.peers) {
    for (const prefix of section.allowedIps.filter((candidate) => isInPrefix(address, candidate))) {
      const length = bitsOfPrefix(prefix).length;
      if (best === undefined || length >= best.length) best = { section, length };
    }
  }
  return best?.section;
}

/** Both have the other's key, both or neither have a preshared key, and one can dial the other. */
function canTalk(one: Port, other: Port): boolean {
  const there = one.peers.find((peer) => peer.publicKey === other.publicKey);
  const back = other.peers.find((peer) => peer.publicKey === one.publicKey);
  if (there === undefined || back === undefined) return false;
  if ((there.presharedKey === null) !== (back.presharedKey === null)) return false;
  return dials(one, other, there) || dials(other, one, back);
}

function dials(from: Port, to: Port, section: WgPeer): boolean {
  const { endpoint } = section;
  if (endpoint === null) return false;
  const leads = to.outer.includes(endpoint);
  const sameSite = from.node.site !== null && from.node.site === to.node.site;
  return (
    (leads || (sameSite && to.outerAtSite.includes(endpoint))) &&
    !isRoutedIntoTunnel(from, endpoint)
  );
}

/** A tunnel whose own packets are routed into it carries nothing. A default route spares them (wg-quick(8), fwmark). */
function isRoutedIntoTunnel(from: Port, endpoint: string): boolean {
  const host = endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  const literal = host.includes(":") || /^[\d.]+$/.test(host);
  return literal && sectionFor(from, host) !== undefined && !isDefaultRoute(from, host);
}

function owns(node: Node, address: string): boolean {
  return node.config.addresses.some((own) => isInPrefix(address, hostPrefix(withoutLength(own))));
}

function isBehind(node: Node, address: string): boolean {
  return node.lans.some((lan) => isInPrefix(address, lan));
}

function forwards(node: Node, address: string): boolean {
  return address.includes(":") ? node.forwarding.ipv6 : node.forwarding.ipv4;
}

function hostPrefix(address: string): string {
  return `${address}/${address.includes(":") ? 128 : 32}`;
}

function withoutLength(address: string): string {
  return address.slice(0, address.indexOf("/"));
}
