/**
 * The oracle: what a set of wg-quick files would do to a packet, worked out hop by hop the way WireGuard does it
 * (longest prefix over the allowed IPs decides where a packet goes and from whom one is taken), without looking at the
 * plan. Deliberately naive.
 */
import { bitsOfPrefix, liesIn, sameFamily } from "./address-bits";
import { readWgQuick, type WgPeer, type WgQuickText } from "./wg-quick-text";

/** One machine: the file that it got, and the facts of the world that no file can change. */
export interface Machine {
  name: string;
  publicKey: string;
  /** The wg-quick file; a redacted one will do. */
  text: string;
  /** A second interface, which has no addresses of its own: what is sent takes whichever of the two has a session. */
  second?: { publicKey: string; text: string };
  /** Keys of one peer each, of which the host gives the allowed IPs to the one that can shake hands. */
  pairs?: { current: string; next: string }[];
  forwarding: { ipv4: boolean; ipv6: boolean };
  /** LANs behind it. */
  lans: string[];
  /** `host:port` that leads to it from anywhere. */
  outer: string[];
  site: string | null;
  /** `host:port` that leads to it from within its site. */
  outerAtSite: string[];
}

/** What can be asked of a network of machines. */
export interface Router {
  /**
   * The names of the machines that a packet from `from` to `destination` passes, or null where it gets lost or its
   * answer would.
   */
  path(from: string, destination: string): string[] | null;
}

interface Box extends Machine {
  config: WgQuickText;
  ports: Port[];
}

/** One WireGuard interface of a box. */
interface Port {
  box: Box;
  publicKey: string;
  outer: string[];
  outerAtSite: string[];
  peers: WgPeer[];
}

export function routerOf(machines: readonly Machine[]): Router {
  const boxes = machines.map(boxOf);
  for (const port of boxes.flatMap((box) => box.ports)) watch(port, boxes);
  return {
    path: (from, destination) => {
      const start = boxes.find((box) => box.name === from);
      const source = start?.config.addresses
        .map(withoutLength)
        .find((a) => sameFamily(a, destination));
      if (start === undefined || source === undefined) return null;
      const there = walk(boxes, start, source, destination);
      const end = there?.at(-1);
      if (there === null || end === undefined) return null;
      const back = walk(boxes, end, destination, source);
      return back?.at(-1) === start ? there.map((box) => box.name) : null;
    },
  };
}

/** The boxes that one packet passes, from where it starts to where it is taken in. */
function walk(boxes: Box[], start: Box, source: string, destination: string): Box[] | null {
  const passed = [start];
  if (isBehind(start, source) && !forwards(start, source)) return null;
  for (let at = start; passed.length <= boxes.length;) {
    if (owns(at, destination)) return passed;
    if (isBehind(at, destination)) return forwards(at, destination) ? passed : null;
    if (at !== start && !forwards(at, destination)) return null;
    const hop = nextHop(boxes, at, destination);
    if (hop === undefined || !accepts(hop, source)) return null;
    passed.push(hop.into.box);
    at = hop.into.box;
  }
  return null;
}

function boxOf(machine: Machine): Box {
  const config = readWgQuick(machine.text);
  const box: Box = { ...machine, config, ports: [] };
  const { publicKey, outer, outerAtSite, second } = machine;
  box.ports.push({ box, publicKey, outer, outerAtSite, peers: config.peers });
  if (second === undefined) return box;
  const { listenPort, peers } = readWgQuick(second.text);
  const moved = (places: string[]) =>
    places.map((place) => place.replace(/\d+$/, String(listenPort)));
  const [there, atSite] = [moved(outer), moved(outerAtSite)];
  box.ports.push({ box, publicKey: second.publicKey, outer: there, outerAtSite: atSite, peers });
  return box;
}

/** The watcher's rule: of the two keys of a pair, the one that shook hands has the allowed IPs. */
function watch(port: Port, boxes: Box[]): void {
  for (const { current, next } of port.box.pairs ?? []) {
    const [old, young] = [current, next].map((key) =>
      port.peers.find(({ publicKey }) => publicKey === key),
    );
    if (old === undefined || young === undefined || portOf(boxes, next, port) === undefined)
      continue;
    young.allowedIps = [...old.allowedIps];
    old.allowedIps = [];
  }
}

/** The other end of a session that this port has, or could have, with a key. */
function portOf(boxes: Box[], key: string | undefined, from: Port): Port | undefined {
  const ports = boxes.flatMap((box) => box.ports);
  return ports.find((port) => port.publicKey === key && canTalk(from, port));
}

function nextHop(boxes: Box[], at: Box, destination: string): Hop | undefined {
  for (const out of at.ports) {
    const into = portOf(boxes, sectionFor(out, destination)?.publicKey, out);
    if (into !== undefined) return { out, into };
  }
  return undefined;
}

interface Hop {
  out: Port;
  into: Port;
}

/** Cryptokey routing on the way in: the sender must be the one to whom an answer would go. */
function accepts({ out, into }: Hop, source: string): boolean {
  return sectionFor(into, source)?.publicKey === out.publicKey;
}

/** The section with the longest prefix around the address; of two equal ones the later has it, as in wg. */
function sectionFor(port: Port, address: string): WgPeer | undefined {
  let best: { section: WgPeer; length: number } | undefined;
  for (const section of port.peers) {
    for (const prefix of section.allowedIps.filter((candidate) => liesIn(address, candidate))) {
      const length = bitsOfPrefix(prefix).length;
      if (best === undefined || length >= best.length) best = { section, length };
    }
  }
  return best?.section;
}

/** Both know each other's key, agree on having a preshared key, and one of them can dial. */
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
  const sameSite = from.box.site !== null && from.box.site === to.box.site;
  return (leads || (sameSite && to.outerAtSite.includes(endpoint))) && !isSwallowed(from, endpoint);
}

/** A tunnel whose own outer packets are routed into a tunnel carries nothing. */
function isSwallowed(from: Port, endpoint: string): boolean {
  const host = endpoint.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
  const literal = host.includes(":") || /^[\d.]+$/.test(host);
  return literal && sectionFor(from, host) !== undefined;
}

function owns(box: Box, address: string): boolean {
  return box.config.addresses.some((own) => liesIn(address, hostPrefix(withoutLength(own))));
}

function isBehind(box: Box, address: string): boolean {
  return box.lans.some((lan) => liesIn(address, lan));
}

function forwards(box: Box, address: string): boolean {
  return address.includes(":") ? box.forwarding.ipv6 : box.forwarding.ipv4;
}

function hostPrefix(address: string): string {
  return `${address}/${address.includes(":") ? 128 : 32}`;
}

function withoutLength(address: string): string {
  return address.slice(0, address.indexOf("/"));
}
