/**
 * The wanted routes of an interface, as wg-quick(8) adds them: one for each allowed prefix that no other route of the interface
 * covers.
 */
import { TUNNEL_TABLE } from "../exit-routing";
import type { LiveDifference } from "./difference";
import type { Route } from "./network-state";
import type { Observation } from "./observation";
import { addressOf, isSingle, prefixOf, PrefixSet } from "./prefixes";
import type { WantedInterface } from "./wanted-interface";
import { blockingPrefix, isUsedTable } from "./full-tunnel";

type RouteDifference = Extract<LiveDifference, { kind: "route" }>;

/**
 * Only routes without a protocol count as extra, as added by wg-quick or by hand; those of daemons and DHCP clients stay.
 */
export function routeDifferences(one: WantedInterface, observed: Observation): RouteDifference[] {
  if (!one.routed) return [];
  const { name } = one;
  const own = unicastRoutes(observed).filter((it) => it.device === name && isUsedTable(it));
  const tunnel = one.sendsAll ? allRoutes(one, observed) : mainRoutes(one, own);
  const connected = connectedRoutes(one, observed);
  const wanted = [...connected, ...tunnel];
  const allowed = one.sendsAll
    ? new Set(wanted.map(placeOf))
    : new Set(allowedPrefixes(one).keys());
  const networks = new Set(one.addresses.map((address) => prefixOf(address)?.text));
  // A route that was added by hand may replace the kernel's own.
  const standsIn = ({ prefix, metric }: Route) => metric === null && networks.has(prefix);
  const extra = own.filter(
    (it) =>
      it.protocol === "boot" &&
      it.complete &&
      !allowed.has(placeOf(it)) &&
      !standsIn(it) &&
      !(it.table === "main" && isAutomatic(it.prefix)),
  );
  // An extra route with another metric does not replace a wanted one.
  const present = new Set(own.filter((it) => !extra.includes(it)).map(placeOf));
  const missing = wanted.filter((it) => !present.has(placeOf(it)));
  const as = (is: "missing" | "extra") => (route: Route) =>
    ({ kind: "route", interface: name, prefix: destinationOf(route), is, route }) as const;
  return [...missing.map(as("missing")), ...extra.map(as("extra"))];
}

/** Routes of the interface's addresses, which the kernel adds. */
function connectedRoutes({ name, addresses }: WantedInterface, { network }: Observation): Route[] {
  const link = network.links.get(name);
  if (link?.up !== true) return [];
  const live = addresses.filter((it) => link.addresses.includes(it) && !isSingle(it));
  return live.map((address) => {
    const prefix = prefixOf(address)?.text ?? address;
    const own = address.includes(":")
      ? ({ family: 6, metric: 256, scope: null, source: null } as const)
      : ({ family: 4, metric: null, scope: "link", source: addressOf(address) } as const);
    const kernel = { gateway: null, protocol: "kernel", table: "main", type: "unicast" };
    return { prefix, device: name, complete: true, ...kernel, ...own };
  });
}

/** Prefixes of length 0 need a table of their own: see full-tunnel.ts. */
function mainRoutes(one: WantedInterface, own: readonly Route[]): Route[] {
  const present = new Set(own.map(placeOf));
  const allowed = [...allowedPrefixes(one).values()];
  const covering = new PrefixSet([
    ...[...one.addresses, ...(one.formerAddresses ?? [])].flatMap((it) => prefixOf(it) ?? []),
    ...allowed.filter(({ text }) => present.has(text)),
  ]);
  const missing = allowed.filter((prefix) => !covering.covers(prefix));
  return missing.map(({ text }) => tunnelRoute(one.name, text, "main"));
}

/** As wg-quick(8) does it with a `Table`: one for each allowed prefix. */
function allRoutes(one: WantedInterface, observed: Observation): Route[] {
  const prefixes = one.peers.flatMap(({ allowedIps }) => allowedIps);
  const all = new Set([...prefixes, ...blockingPrefix(one, observed)]);
  return [...all].map((prefix) => tunnelRoute(one.name, prefix, TUNNEL_TABLE));
}

/** The route that an allowed prefix needs. */
function tunnelRoute(name: string, text: string, table: string): Route {
  const plain = { gateway: null, metric: null, scope: null, source: null, complete: true };
  const prefix = text.endsWith("/0") ? "default" : text;
  const family = text.includes(":") ? 6 : 4;
  return { family, prefix, device: name, ...plain, protocol: "boot", table, type: "unicast" };
}

/** The prefix in numbers. */
export function destinationOf({ prefix, family }: Route): string {
  return prefix !== "default" ? prefix : family === 6 ? "::/0" : "0.0.0.0/0";
}

/** The prefix, and the table if it is not the main one. */
function placeOf(route: Route): string {
  return destinationOf(route) + (route.table === "main" ? "" : ` ${route.table}`);
}

/** Routes of other interfaces for exactly the wanted prefixes. */
export function foreignRoutes(one: WantedInterface, observed: Observation): Route[] {
  const missing = routeDifferences(one, observed).filter(({ is }) => is === "missing");
  const prefixes = new Set(missing.map(({ prefix }) => prefix));
  return unicastRoutes(observed).filter(
    ({ prefix, device, table }) => table === "main" && device !== one.name && prefixes.has(prefix),
  );
}

/** Without those of length 0, by their text. */
export function allowedPrefixes(one: WantedInterface) {
  const all = one.peers.flatMap(({ allowedIps }) =>
    allowedIps.flatMap((text) => prefixOf(text) ?? []),
  );
  return new Map(all.filter(({ length }) => length > 0).map((prefix) => [prefix.text, prefix]));
}

function unicastRoutes({ network }: Observation): Route[] {
  return network.routes.filter(({ type }) => !UNROUTED.has(type));
}

/** Routes to the host itself and to groups, which the kernel makes. */
const UNROUTED = new Set(["local", "broadcast", "anycast", "multicast"]);

/** Link-local and multicast prefixes; the default route is never one of allowed IPs here. */
function isAutomatic(prefix: string): boolean {
  return prefix === "default" || prefix.startsWith("fe80:") || prefix.startsWith("ff00:");
}
