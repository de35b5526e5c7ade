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
}

export function routerOf(machines: readonly Machine[]): Router {
  const boxes = machines.map((machine) => ({ ...machine, config: readWgQuick(machine.text) }));
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
    const next = nextHop(boxes, at, destination);
    if (next === undefined || !accepts(next, at, source)) return null;
    passed.push(next);
    at = next;
  }
  return null;
}

function nextHop(boxes: Box[], at: Box, destination: string): Box | undefined {
  const section = sectionFor(at, destination);
  const next = boxes.find((box) => box.publicKey === section?.publicKey);
  return next !== undefined && canTalk(at, next) ? next : undefined;
}

/** Cryptokey routing on the way in: the sender must be the one to whom an answer would go. */
function accepts(receiver: Box, sender: Box, source: string): boolean {
  return sectionFor(receiver, source)?.publicKey === sender.publicKey;
}

/** The section with the longest prefix around the address; of two equal ones the later has it, as in wg. */
function sectionFor(box: Box, address: string): WgPeer | undefined {
  let best: { section: WgPeer; length: number } | undefined;
  for (const section of box.config.peers) {
    for (const prefix of section.allowedIps.filter((candidate) => liesIn(address, candidate))) {
      const length = bitsOfPrefix(prefix).length;
      if (best === undefined || length >= best.length) best = { section, length };
    }
  }
  return best?.section;
}

/** Both know each other's key, agree on having a preshared key, and one of them can dial. */
function canTalk(one: Box, other: Box): boolean {
  const there = one.config.peers.find((peer) => peer.publicKey === other.publicKey);
  const back = other.config.peers.find((peer) => peer.publicKey === one.publicKey);
  if (there === undefined || back === undefined) return false;
  if ((there.presharedKey === null) !== (back.presharedKey === null)) return false;
  return dials(one, other, there) || dials(other, one, back);
}

function dials(from: Box, to: Box, section: WgPeer): boolean {
  const { endpoint } = section;
  if (endpoint === null) return false;
  const leads = to.outer.includes(endpoint);
  const leadsAtSite =
    from.site !== null && from.site === to.site && to.outerAtSite.includes(endpoint);
  return (leads || leadsAtSite) && !isSwallowed(from, endpoint);
}

/** A tunnel whose own outer packets are routed into a tunnel carries nothing. */
function isSwallowed(from: Box, endpoint: string): boolean {
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
