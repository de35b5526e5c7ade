/** Prefixes as numbers, for comparing the routes and addresses of a host with planned ones in linear time. */
import ipaddr from "ipaddr.js";
import type { Family } from "../addresses";

/** A prefix as a number; `text` is canonical, without host bits. */
export interface NumericPrefix {
  family: Family;
  base: bigint;
  length: number;
  text: string;
}

/** Parses `ADDRESS[/LENGTH]`, host bits allowed; without a length it is a single address. Null for anything else. */
export function prefixOf(text: string): NumericPrefix | null {
  const [address = "", length, ...rest] = text.split("/");
  if (rest.length > 0 || !isAddress(address)) return null;
  const parsed = ipaddr.parse(address);
  const bits = parsed.kind() === "ipv4" ? 32 : 128;
  if (length !== undefined && !/^\d{1,3}$/.test(length)) return null;
  const size = length === undefined ? bits : Number(length);
  if (size > bits) return null;
  const shift = BigInt(bits - size);
  const base = (numberOf(parsed.toByteArray()) >> shift) << shift;
  const bytes = bytesOf(base, bits / 8);
  const canonical = `${ipaddr.fromByteArray(bytes).toString()}/${size}`;
  return { family: bits === 32 ? 4 : 6, base, length: size, text: canonical };
}

/** `ADDRESS/LENGTH` of an interface in canonical spelling, host bits kept. Null for anything else. */
export function interfaceAddress(text: string): string | null {
  const prefix = prefixOf(text);
  if (prefix === null) return null;
  return `${ipaddr.parse(text.slice(0, indexOrEnd(text, "/"))).toString()}/${prefix.length}`;
}

/** The address in `ADDRESS/LENGTH`. */
export function addressOf(text: string): string {
  return text.slice(0, text.indexOf("/"));
}

/** Reports whether a prefix `ADDRESS/LENGTH` is a single address. */
export function isSingle(text: string): boolean {
  return /^[\d.]+\/32$|:.*\/128$/.test(text);
}

/** An address in canonical spelling; null if the text is none. */
export function canonicalAddress(text: string): string | null {
  return isAddress(text) ? ipaddr.parse(text).toString() : null;
}

/** Whether the address is not public, such as behind NAT. */
export function isPrivate(address: string): boolean {
  const inner = ["private", "carrierGradeNat", "uniqueLocal", "linkLocal", "loopback"];
  return isAddress(address) && inner.includes(ipaddr.parse(address).range());
}

/** Prefixes with a lookup of those that contain another one. */
export class PrefixSet {
  readonly #byKey: ReadonlyMap<string, NumericPrefix>;

  constructor(prefixes: readonly NumericPrefix[]) {
    this.#byKey = new Map(prefixes.map((prefix) => [keyOf(prefix, prefix.length), prefix]));
  }

  /** The longest prefix of the set that contains `prefix`; null if none does. */
  longestCovering(prefix: NumericPrefix): NumericPrefix | null {
    for (let length = prefix.length; length >= 0; length--) {
      const found = this.#byKey.get(keyOf(prefix, length));
      if (found !== undefined) return found;
    }
    return null;
  }

  covers(prefix: NumericPrefix): boolean {
    return this.longestCovering(prefix) !== null;
  }
}

/** The first `length` bits of a prefix. */
function keyOf({ family, base }: NumericPrefix, length: number): string {
  return `${family} ${length} ${base >> BigInt((family === 4 ? 32 : 128) - length)}`;
}

/** Without zones (`fe80::1%eth0`), and without the short and octal forms of IPv4. */
function isAddress(text: string): boolean {
  if (text.includes(":")) return ipaddr.IPv6.isValid(text) && !text.includes("%");
  return /^[\d.]{7,15}$/.test(text) && ipaddr.IPv4.isValidFourPartDecimal(text);
}

function numberOf(bytes: readonly number[]): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function bytesOf(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, at) =>
    Number((value >> BigInt(8 * (count - 1 - at))) & 255n),
  );
}

function indexOrEnd(text: string, part: string): number {
  const at = text.indexOf(part);
  return at < 0 ? text.length : at;
}
