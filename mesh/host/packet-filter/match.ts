/** Whether a condition of a packet filter holds for a packet that is partly known. */
import ipaddr from "ipaddr.js";
import type { Family } from "../../addresses";
import type { Condition, Rule } from "./rules";

/** The first packet of a connection. Null fields can be anything. */
export interface Packet {
  hook: "input" | "forward";
  family: Family;
  /** The interfaces by which it comes and leaves. */
  input: string | null;
  output: string | null;
  /** `any`: TCP or UDP of any port. */
  carries: "udp" | "ping" | "any";
  /** The destination port (UDP). */
  port: number | null;
  /** Source address: in this span, or `anywhere`: an internet address that no rule names. */
  source: Span | "anywhere" | null;
}

/** The first and the last address. */
export type Span = readonly [first: bigint, last: bigint];

export type Sure = "yes" | "no" | "maybe";

/** Whether a packet meets the conditions of a rule. */
export function meets(packet: Packet, { conditions }: Rule): Sure {
  // A rule with sources for exactly this port is deliberate, so it counts as matching.
  const trusted = packet.source === "anywhere" && opensPort(conditions, packet);
  let sure: Sure = "yes";
  for (const condition of conditions) {
    const is = trusted && condition.field === "source" ? "maybe" : holds(condition, packet);
    sure = both(sure, is);
    if (sure === "no") break;
  }
  return sure;
}

export function both(a: Sure, b: Sure): Sure {
  if (a === "no" || b === "no") return "no";
  return a === "yes" && b === "yes" ? "yes" : "maybe";
}

export function holds({ field, negated, values }: Condition, packet: Packet): Sure {
  if (values === null || field === "unknown") return "maybe";
  if (field === "protocol") return protocol(values, negated, packet);
  const sure =
    field === "source"
      ? isFrom(values, packet)
      : any(values, (value) => equals(field, value, packet));
  return negated ? opposite(sure) : sure;
}

function equals(field: Condition["field"], value: string, packet: Packet): Sure {
  // In a set, * stands for all other elements.
  if (value === "*") return "yes";
  switch (field) {
    case "input":
      return isNamed(packet.input, value);
    case "output":
      return isNamed(packet.output, value);
    case "family":
      return among(value, packet.family === 4 ? ["ipv4", "ip"] : ["ipv6", "ip6"]);
    case "state":
      return isState(value);
    case "status":
      // Packets to this host or between peers are not redirected by NAT.
      return value === "dnat" || value === "snat" ? "no" : "maybe";
    case "port":
      return isPort(packet, value);
    case "ping":
      return among(value, ["echo-request", packet.family === 4 ? "8" : "128"]);
    case "protocol":
    case "source":
    case "unknown":
      return "maybe";
  }
}

/** Forwarding pings is not enough: TCP or UDP must pass, and which one is unknown. */
function protocol(values: readonly string[], negated: boolean, packet: Packet): Sure {
  if (values.some(isRange)) return "maybe";
  const carried = {
    udp: [["udp", "17"]],
    ping: [packet.family === 4 ? ["icmp", "1"] : ["ipv6-icmp", "icmpv6", "58"]],
    any: [
      ["udp", "17"],
      ["tcp", "6"],
    ],
  }[packet.carries];
  const can = carried.some((names) => {
    return negated !== values.some((value) => value === "*" || names.includes(value));
  });
  if (!can) return "no";
  return packet.carries === "any" ? "maybe" : "yes";
}

function isNamed(name: string | null, pattern: string): Sure {
  // A number is a deleted interface; nft(8) escapes a star that belongs to the name.
  if (name === null || /^\d+$/.test(pattern) || pattern.includes("\\")) return "maybe";
  const same = pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
  return same ? "yes" : "no";
}

function isState(value: string): Sure {
  if (value === "new") return "yes";
  return ["established", "related", "invalid", "dnat", "snat"].includes(value) ? "no" : "maybe";
}

function isPort({ port, carries }: Packet, value: string): Sure {
  if (port === null || carries !== "udp") return "maybe";
  const dash = value.indexOf("-");
  const first = portNumber(dash < 0 ? value : value.slice(0, dash));
  const last = dash < 0 ? first : portNumber(value.slice(dash + 1));
  if (first === null || last === null) return "maybe";
  return first <= port && port <= last ? "yes" : "no";
}

/** Null for the name of a service: older versions of nft(8) print some. */
function portNumber(text: string): number | null {
  return /^\d{1,5}$/.test(text) ? Number(text) : null;
}

function opensPort(conditions: readonly Condition[], packet: Packet): boolean {
  return conditions.some((it) => it.field === "port" && !it.negated && holds(it, packet) === "yes");
}

function isFrom(values: readonly string[], { source, family }: Packet): Sure {
  if (source === null) return "maybe";
  if (source === "anywhere") return isFromAnywhere(values, family);
  return any(values, (value) => {
    const span = spanOf(value, family);
    if (span === null) return "maybe";
    if (span[0] <= source[0] && source[1] <= span[1]) return "yes";
    return span[1] < source[0] || source[1] < span[0] ? "no" : "maybe";
  });
}

/** For packets from anywhere: no if the rule names a small part of all addresses, yes if a value covers all. */
function isFromAnywhere(values: readonly string[], family: Family): Sure {
  const all = 1n << BigInt(bitsOf(family));
  let named = 0n;
  for (const value of values) {
    const span = spanOf(value, family);
    if (span === null) return "maybe";
    const size = span[1] - span[0] + 1n;
    if (size === all) return "yes";
    named += size;
  }
  return named * 64n > all ? "maybe" : "no";
}

/** `ADDRESS`, `ADDRESS/LENGTH` or `ADDRESS-ADDRESS`; null for anything else. Host bits are cut off. */
export function spanOf(text: string, family: Family): Span | null {
  const range = text.indexOf("-");
  if (range >= 0) {
    const first = numberOf(text.slice(0, range), family);
    const last = numberOf(text.slice(range + 1), family);
    return first === null || last === null ? null : [first, last];
  }
  const bits = bitsOf(family);
  const [address = "", length = `${bits}`, ...rest] = text.split("/");
  const base = numberOf(address, family);
  if (base === null || rest.length > 0 || !/^\d{1,3}$/.test(length) || Number(length) > bits)
    return null;
  const host = BigInt(bits - Number(length));
  const first = (base >> host) << host;
  return [first, first + (1n << host) - 1n];
}

function numberOf(address: string, family: Family): bigint | null {
  if (family === 4) return ipv4Number(address);
  // 45: the longest spelling of an IPv6 address.
  if (address.length > 45 || !ipaddr.IPv6.isValid(address)) return null;
  const bytes = ipaddr.parse(address).toByteArray();
  return bytes.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

/** As ipaddr.js would, ten times as fast: some packet filters have many thousands of them. */
function ipv4Number(address: string): bigint | null {
  if (address.length > 15) return null;
  const parts = address.split(".");
  let number = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return null;
    number = number * 256 + Number(part);
  }
  return parts.length === 4 ? BigInt(number) : null;
}

function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

function any<T>(values: readonly T[], test: (value: T) => Sure): Sure {
  let sure: Sure = "no";
  for (const value of values) {
    const one = test(value);
    if (one === "yes") return "yes";
    if (one === "maybe") sure = "maybe";
  }
  return sure;
}

function among(value: string, names: readonly string[]): Sure {
  if (names.includes(value)) return "yes";
  return isRange(value) ? "maybe" : "no";
}

function isRange(value: string): boolean {
  return /^\d+-\d+$/.test(value);
}

function opposite(sure: Sure): Sure {
  if (sure === "maybe") return "maybe";
  return sure === "yes" ? "no" : "yes";
}
