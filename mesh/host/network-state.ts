/** Links, addresses, routes and rules of a host, from the JSON of ip(8) (iproute2). */
import { canonicalAddress, interfaceAddress, prefixOf } from "./prefixes";

export interface NetworkState {
  links: ReadonlyMap<string, Link>;
  /** Of all families and tables. */
  routes: readonly Route[];
  rules: readonly Rule[];
}

/** A network interface. */
export interface Link {
  name: string;
  mtu: number;
  up: boolean;
  /** ip's link_type: `ether`, `none` (tun, WireGuard), `loopback`, … */
  type: string;
  /** The bridge, bond or other device that it belongs to. */
  master: string | null;
  /** `ADDRESS/LENGTH` of global scope, canonical. */
  addresses: string[];
}

export interface Route {
  family: 4 | 6;
  /** Canonical; `default` for the prefixes of length 0. */
  prefix: string;
  /** Null for routes without one, e.g. `blackhole`. Of several next hops, the first one's. */
  device: string | null;
  gateway: string | null;
  metric: number | null;
  /** `boot` for a route that was added without a protocol, as by wg-quick(8) or by hand. */
  protocol: string;
  scope: string | null;
  /** Preferred source address. */
  source: string | null;
  table: string;
  /** `unicast`, `blackhole`, `local`, … */
  type: string;
  /** Whether the fields above describe it completely, so that it can be added again. */
  complete: boolean;
}

/** A policy routing rule. */
export interface Rule {
  family: 4 | 6;
  priority: number;
  /** Arguments of `ip rule add` after the priority; null for a rule with other conditions. */
  selector: string | null;
  table: string | null;
  mark: string | null;
}

/** The output of a host is unusable; the message has the cause. */
export class ObservationError extends Error {}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses lines of `ip -j`, each an array: links, addresses, routes of all tables, rules, IPv6 rules. Lines that are no
 * arrays and entries of other shapes are skipped. Throws an ObservationError for a damaged line.
 */
export function parseNetwork(lines: readonly string[]): NetworkState {
  const arrays = lines.filter((line) => line.startsWith("[")).map(parseArray);
  const rules = arrays.filter((entries) => entries.some(isRule));
  return {
    links: linksOf(arrays.flat()),
    routes: arrays.flatMap((entries) =>
      entries.filter((entry) => "dst" in entry && !isRule(entry)).flatMap(routeOf),
    ),
    rules: rules.flatMap((entries, at) =>
      entries.filter(isRule).map((entry) => ruleOf(entry, at === 0 ? 4 : 6)),
    ),
  };
}

/** Arguments of `ip route add` and `ip route del` after the prefix, for exactly this route. */
export function routeOptions(route: Route): string {
  const { gateway, device, protocol, scope, source, metric, table } = route;
  return [
    gateway === null ? "" : ` via ${gateway}`,
    device === null ? "" : ` dev ${device}`,
    protocol === "boot" ? "" : ` proto ${protocol}`,
    scope === null ? "" : ` scope ${scope}`,
    source === null ? "" : ` src ${source}`,
    metric === null ? "" : ` metric ${metric}`,
    table === "main" ? "" : ` table ${table}`,
  ].join("");
}

function parseArray(line: string): JsonObject[] {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value.filter(isObject) : [];
  } catch {
    throw new ObservationError("the output of ip on the host is damaged");
  }
}

function linksOf(entries: readonly JsonObject[]): Map<string, Link> {
  const links = new Map<string, Link>();
  for (const entry of entries) {
    const name = nameIn(entry, "ifname");
    if (name === null) continue;
    if (!links.has(name)) links.set(name, linkOf(name, entry));
    links.get(name)?.addresses.push(...addressesIn(entry));
  }
  return links;
}

function linkOf(name: string, entry: JsonObject): Link {
  const flags = entry["flags"];
  return {
    name,
    mtu: numberIn(entry, "mtu") ?? 0,
    up: Array.isArray(flags) && flags.includes("UP"),
    type: nameIn(entry, "link_type") ?? "",
    master: nameIn(entry, "master"),
    addresses: [],
  };
}

function addressesIn(entry: JsonObject): string[] {
  const all = entry["addr_info"];
  if (!Array.isArray(all)) return [];
  return all.filter(isObject).flatMap((info) => {
    const text = `${textIn(info, "local") ?? ""}/${numberIn(info, "prefixlen") ?? ""}`;
    const address = interfaceAddress(text);
    return address === null || info["scope"] !== "global" ? [] : [address];
  });
}

const ROUTE_KEYS = new Set(
  "type dst gateway dev table protocol scope prefsrc metric flags pref".split(" "),
);

function routeOf(entry: JsonObject): Route[] {
  const dst = textIn(entry, "dst") ?? "";
  const prefix = dst === "default" ? dst : prefixOf(dst)?.text;
  if (prefix === undefined) return [];
  const hops = entry["nexthops"];
  const hop: unknown = Array.isArray(hops) ? hops[0] : undefined;
  const via = isObject(hop) ? hop : entry;
  const flags: unknown[] = Array.isArray(entry["flags"]) ? entry["flags"] : [];
  const gateway = addressIn(via, "gateway");
  // Only IPv6 routes have a preference (RFC 4191).
  const isIpv6 = prefix.includes(":") || "pref" in entry || gateway?.includes(":") === true;
  return [
    {
      family: isIpv6 ? 6 : 4,
      prefix,
      device: nameIn(via, "dev"),
      gateway,
      metric: numberIn(entry, "metric"),
      protocol: nameIn(entry, "protocol") ?? "boot",
      scope: nameIn(entry, "scope"),
      source: addressIn(entry, "prefsrc"),
      table: nameIn(entry, "table") ?? "main",
      type: nameIn(entry, "type") ?? "unicast",
      complete:
        Object.keys(entry).every((key) => ROUTE_KEYS.has(key)) &&
        flags.every((flag) => flag === "linkdown" || flag === "dead"),
    },
  ];
}

function isRule(entry: JsonObject): boolean {
  return "priority" in entry;
}

const RULE_KEYS = new Set("priority src table not fwmark suppress_prefixlen".split(" "));

function ruleOf(entry: JsonObject, family: 4 | 6): Rule {
  const [table, mark] = [nameIn(entry, "table"), nameIn(entry, "fwmark")];
  const suppressed = numberIn(entry, "suppress_prefixlen");
  const words = [
    ...("not" in entry ? ["not"] : []),
    ...(mark === null ? [] : [`fwmark ${mark}`]),
    `table ${table ?? ""}`,
    ...(suppressed === null ? [] : [`suppress_prefixlength ${suppressed}`]),
  ];
  const isKnown = Object.keys(entry).every((key) => RULE_KEYS.has(key)) && entry["src"] === "all";
  const selector = isKnown && table !== null ? words.join(" ") : null;
  return { family, priority: numberIn(entry, "priority") ?? 0, selector, table, mark };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textIn(entry: JsonObject, key: string): string | null {
  const value = entry[key];
  return typeof value === "string" ? value : null;
}

/** A word that can be part of a command line. */
function nameIn(entry: JsonObject, key: string): string | null {
  const text = textIn(entry, key);
  return text !== null && /^[^\s/]{1,64}$/.test(text) ? text : null;
}

function addressIn(entry: JsonObject, key: string): string | null {
  return canonicalAddress(textIn(entry, key) ?? "");
}

function numberIn(entry: JsonObject, key: string): number | null {
  const value = entry[key];
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
