/** IP addresses and prefixes, IPv4 and IPv6, in canonical form; arithmetic by ipaddr.js. */
import ipaddr from "ipaddr.js";
import { Mistake, quote } from "./config/mistake";
import { isPlaceholder } from "./placeholders";

export type Family = 4 | 6;

/** One address, e.g. `10.86.0.2` or `fd5c:10::2` (RFC 5952 spelling). */
export interface IpAddress {
  family: Family;
  text: string;
}

/** A prefix without host bits, e.g. `192.168.10.0/24`. `length` is 0 to 32 or 128. */
export interface Prefix {
  family: Family;
  text: string;
  length: number;
}

/** Parses an address; throws a Mistake if it is not one. */
export function parseAddress(text: string): IpAddress {
  if (text.includes("/")) {
    throw new Mistake(
      `${quote(text)} has a prefix length`,
      "write only the address; the prefix length comes from network.cidr",
    );
  }
  return { family: familyOf(text), text: ipaddr.parse(text).toString() };
}

/** Parses a CIDR prefix; throws a Mistake for host bits, octal octets and IPv4-mapped IPv6. */
export function parsePrefix(text: string): Prefix {
  const [address = "", length, ...rest] = text.split("/");
  if (length === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) {
    throw new Mistake(
      `${quote(text)} is not a prefix`,
      "write it as ADDRESS/LENGTH, e.g. 10.86.0.0/24",
    );
  }
  const family = familyOf(address);
  const bits = Number(length);
  if (bits > bitsOf(family)) {
    throw new Mistake(
      `/${length} is longer than an IPv${family} address`,
      `use a length from 0 to ${bitsOf(family)}`,
    );
  }
  const base = networkAddress(address, bits);
  if (base !== ipaddr.parse(address).toString()) {
    throw new Mistake(`${quote(text)} has host bits set`, `write ${base}/${length}`);
  }
  return { family, text: `${base}/${length}`, length: bits };
}

/** Parses the host of a validated endpoint: its address, or null for a DNS name or a placeholder. */
export function addressIn(host: string): IpAddress | null {
  if (isPlaceholder(host)) return null;
  return /^[\d.]+$/.test(host) || host.includes(":") ? parseAddress(host) : null;
}

interface SpecialPrefix {
  text: string;
  what: string;
}

/** No machine has these as addresses that others can use (RFC 6890), neither in a tunnel, nor in a LAN, nor outside. */
const SPECIAL: readonly SpecialPrefix[] = [
  { text: "0.0.0.0/8", what: "addresses of no machine" },
  { text: "127.0.0.0/8", what: "loopback" },
  { text: "169.254.0.0/16", what: "link-local" },
  { text: "224.0.0.0/4", what: "multicast" },
  { text: "240.0.0.0/4", what: "reserved" },
  { text: "::/64", what: "loopback and addresses of no machine" },
  { text: "fe80::/10", what: "link-local" },
  { text: "ff00::/8", what: "multicast" },
];

/** The special prefix that this one overlaps, or null. */
export function specialIn(prefix: Prefix): SpecialPrefix | null {
  return SPECIAL.find(({ text }) => overlaps(parsePrefix(text), prefix)) ?? null;
}

/** Reports whether the prefix is in the public internet; those for documentation are not. */
export function isPublic(prefix: Prefix): boolean {
  return ipaddr.parse(baseOf(prefix)).range() === "unicast";
}

/** Reports whether another machine can dial this host: an address, a DNS name, or a placeholder. */
export function isDialable(host: string): boolean {
  const address = addressIn(host);
  if (address !== null) return specialIn(hostPrefix(address)) === null;
  return !/^(.+\.)?localhost(\.localdomain)?$|^ip6-(localhost|loopback)$/.test(host);
}

/** The prefix of this single address: `/32` or `/128`. */
export function hostPrefix(address: IpAddress): Prefix {
  const length = bitsOf(address.family);
  return { family: address.family, text: `${address.text}/${length}`, length };
}

/** The prefix of this length that the address is in. */
export function enclosing({ family, text }: IpAddress, length: number): Prefix {
  return { family, text: `${networkAddress(text, length)}/${length}`, length };
}

export function contains(prefix: Prefix, address: IpAddress): boolean {
  if (prefix.family !== address.family) return false;
  return ipaddr.parse(address.text).match(parsed(prefix));
}

/** Reports whether every address of `inner` is in `prefix`. */
export function encloses(prefix: Prefix, inner: Prefix): boolean {
  return prefix.length <= inner.length && overlaps(prefix, inner);
}

/** Reports whether two prefixes share an address, that is, whether one contains the other. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  if (a.family !== b.family) return false;
  const [wide, narrow] = a.length <= b.length ? [a, b] : [b, a];
  const [base] = parsed(narrow);
  return base.match(parsed(wide));
}

type ParsedPrefix = ReturnType<typeof ipaddr.parseCIDR>;

/** Each prefix is parsed once: the rules compare every LAN with all others. */
const parsedPrefixes = new WeakMap<Prefix, ParsedPrefix>();

function parsed(prefix: Prefix): ParsedPrefix {
  const known = parsedPrefixes.get(prefix) ?? ipaddr.parseCIDR(prefix.text);
  parsedPrefixes.set(prefix, known);
  return known;
}

/**
 * The addresses of a prefix that no node may have: the network address and, for IPv4, the broadcast address. Empty for
 * prefixes longer than /30 or /126. In IPv6 the first is the subnet-router anycast address (RFC 4291, section 2.6.1).
 */
export function reservedAddresses(prefix: Prefix): IpAddress[] {
  if (prefix.length > bitsOf(prefix.family) - 2) return [];
  const first = { family: prefix.family, text: baseOf(prefix) };
  if (prefix.family === 6) return [first];
  return [first, { family: 4, text: ipaddr.IPv4.broadcastAddressFromCIDR(prefix.text).toString() }];
}

/**
 * The lowest address of `prefix` that is neither reserved nor taken nor in one of the prefixes `without`, or null if there is
 * none.
 */
export function nextFree(
  prefix: Prefix,
  taken: IpAddress[],
  without: readonly Prefix[] = [],
): IpAddress | null {
  const used = new Set([...taken, ...reservedAddresses(prefix)].map((address) => address.text));
  for (let bytes = ipaddr.parse(baseOf(prefix)).toByteArray(); ; bytes = successor(bytes)) {
    const candidate = { family: prefix.family, text: ipaddr.fromByteArray(bytes).toString() };
    if (!contains(prefix, candidate)) return null;
    const around = without.find((other) => contains(other, candidate));
    if (around === undefined && !used.has(candidate.text)) return candidate;
    if (around !== undefined) bytes = lastOf(around);
    if (bytes.every((byte) => byte === 255)) return null;
  }
}

/** Orders addresses by number, IPv4 before IPv6. */
export function compareAddresses(a: IpAddress, b: IpAddress): number {
  if (a.family !== b.family) return a.family - b.family;
  const left = ipaddr.parse(a.text).toByteArray();
  const right = ipaddr.parse(b.text).toByteArray();
  return compareBytes(left, right);
}

function compareBytes(left: number[], right: number[]): number {
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at < 0 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

/** The same addresses as disjoint prefixes, in ascending order, IPv4 before IPv6. */
export function disjoint(prefixes: readonly Prefix[]): Prefix[] {
  const keyed = prefixes.map((prefix) => ({ prefix, bytes: parsed(prefix)[0].toByteArray() }));
  keyed.sort(
    (a, b) =>
      a.prefix.family - b.prefix.family ||
      compareBytes(a.bytes, b.bytes) ||
      a.prefix.length - b.prefix.length,
  );
  const kept: Prefix[] = [];
  for (const { prefix } of keyed) {
    const last = kept.at(-1);
    if (last === undefined || !overlaps(last, prefix)) kept.push(prefix);
  }
  return kept;
}

function familyOf(text: string): Family {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return 4;
  if (ipaddr.IPv4.isValid(text) || /^[\d.]+$/.test(text)) {
    throw new Mistake(
      `${quote(text)} is not an IPv4 address`,
      "write four decimal numbers from 0 to 255 without leading zeros, e.g. 10.86.0.2",
    );
  }
  if (!ipaddr.IPv6.isValid(text) || text.includes("%")) {
    throw new Mistake(`${quote(text)} is not an IP address`, "write e.g. 10.86.0.2 or fd5c:10::2");
  }
  if (ipaddr.IPv6.parse(text).isIPv4MappedAddress()) {
    throw new Mistake(
      `${quote(text)} is an IPv4-mapped IPv6 address`,
      `write ${ipaddr.IPv6.parse(text).toIPv4Address().toString()}`,
    );
  }
  return 6;
}

function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

function baseOf(prefix: Prefix): string {
  return prefix.text.slice(0, prefix.text.indexOf("/"));
}

/** The bytes of its last address. */
function lastOf({ family, text }: Prefix): number[] {
  const { IPv4, IPv6 } = ipaddr;
  const last = (family === 4 ? IPv4 : IPv6).broadcastAddressFromCIDR(text);
  return last.toByteArray();
}

function networkAddress(address: string, bits: number): string {
  const cidr = `${address}/${bits}`;
  return ipaddr.parse(address).kind() === "ipv4"
    ? ipaddr.IPv4.networkAddressFromCIDR(cidr).toString()
    : ipaddr.IPv6.networkAddressFromCIDR(cidr).toString();
}

function successor(bytes: number[]): number[] {
  const next = [...bytes];
  for (let at = next.length - 1; at >= 0; at--) {
    next[at] = ((next[at] ?? 0) + 1) & 255;
    if (next[at] !== 0) break;
  }
  return next;
}
