/**
 * The test oracle: follows a packet through a set of wg-quick files hop by hop, the way WireGuard does it. The longest
 * prefix among the allowed IPs decides where a packet goes and whether it is accepted. Deliberately naive, and independent
 * of the plan.
 */
import { bitsOfPrefix, isInPrefix, sameFamily } from "./address-bits";
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
  /** LANs behind it. */
  lans: string[];
  /** `host:port` at which every machine can dial it. */
  outer: string[];
  site: string | null;
  /** `host:port` at which machines of its site can dial it. */
  outerAtSite: string[];
  /** Its nftables table; null if it has none. */
  table: string | null;
}

interface Router {
  /** The names of the machines on the path of a packet, or null if the packet or its reply is dropped. */
  path(from: string, destination: string): string[] | null;
  /**
   * The machine that sends a packet to a destination outside the network on, with its own address as the source; null if
   * there is none.
   */
  exit(from: string, destination: string): string | null;
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
  const exit = (from: string, destination: string) => {
    const start = nodes.find((node) => node.name === from);
    const hop = start && nextHop(nodes, start, destination);
    const source = start && addressOf(start, destination);
    if (hop === undefined || source === undefined || !accepts(hop, source)) return null;
    const { node } = hop.into;
    return translates(node, source, destination) && forwards(node, source) ? node.name : null;
  };
  return {
    exit,
    path: (from, destination) => {
      const start = nodes.find((node) => node.name === from);
      const source = start && addressOf(start, destination);
      if (start === undefined || source === undefined) return null;
      const there = walk(nodes, start, source, destination);
      const end = there?.at(-1);
      if (there === null || end === undefined) return null;
      const back = walk(nodes, end, destination, source);
      return back?.at(-1) === start ? there.map((node) => node.name) : null;
    },
  };
}

/** The nodes on the path of a packet, from its source to its destination; null if it is dropped. */
function walk(nodes: Node[], start: Node, source: string, destination: string): Node[] | null {
  const passed = [start];
  if (isBehind(start, source) && !forwards(start, source)) return null;
  for (let at = start; passed.length <= nodes.length;) {
    if (owns(at, destination)) return passed;
    if (isBehind(at, destination)) return forwards(at, destination) ? passed : null;
    if (at !== start && !forwards(at, destination)) return null;
    const hop = isOnItsLan(nodes, at, destination) ? undefined : nextHop(nodes, at, destination);
    if (hop === undefined || !accepts(hop, source)) return null;
    passed.push(hop.into.node);
    at = hop.into.node;
  }
  return null;
}

function addressOf(node: Node, destination: string): string | undefined {
  return node.config.addresses.map(withoutLength).find((own) => sameFamily(own, destination));
}

/** Whether the table gives the packet the machine's own address, and no chain of it drops the packet before. */
function translates({ table }: Node, source: string, destination: string): boolean {
  const version = source.includes(":") ? "v6" : "";
  const isIn = (address: string, set: string) =>
    elementsOf(table ?? "", `${set}${version}`).some((prefix) => isInPrefix(address, prefix));
  const rule = `saddr @leaving${version} \\w+ daddr != @inside${version} masquerade`;
  const applies = new RegExp(rule).test(table ?? "");
  return applies && isIn(source, "leaving") && !isIn(destination, "inside");
}

/** The prefixes in a set of an nftables table. */
function elementsOf(table: string, set: string): string[] {
  const [, elements = ""] =
    new RegExp(`\\tset ${set} \\{[^}]*elements = \\{([^}]*)\\}`).exec(table) ?? [];
  const texts = elements.split(",").map((text) => text.trim());
  return texts.map((text) => (text.includes("/") ? text : hostPrefix(text)));
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
