/**
 * The routes that an interface needs, and those that it should not have. As wg-quick(8) does it: one for each allowed prefix
 * that no other route of the interface covers.
 */
import type { LiveDifference } from "./difference";
import type { Route } from "./network-state";
import type { Observation } from "./observation";
import { prefixOf, PrefixSet } from "./prefixes";
import type { WantedInterface } from "./wanted-interface";

type RouteDifference = Extract<LiveDifference, { kind: "route" }>;

/**
 * Prefixes of length 0 are left out: they would need a mark, a table and rules. Only routes that were added without a
 * protocol are called extra, which is what wg-quick and hands do: those of daemons and DHCP clients stay.
 */
export function routeDifferences(one: WantedInterface, observed: Observation): RouteDifference[] {
  if (!one.routed) return [];
  const { name } = one;
  const own = mainRoutes(observed).filter(({ device }) => device === name);
  const present = new Set(own.map(({ prefix }) => prefix));
  const allowed = allowedPrefixes(one);
  const covering = new PrefixSet([
    ...one.addresses.flatMap((address) => prefixOf(address) ?? []),
    ...[...allowed.values()].filter(({ text }) => present.has(text)),
  ]);
  const missing = [...allowed.values()].filter((prefix) => !covering.covers(prefix));
  const extra = own.filter(
    ({ prefix, protocol, complete }) =>
      protocol === "boot" && complete && !allowed.has(prefix) && !isAutomatic(prefix),
  );
  return [
    ...missing.map(({ text }): RouteDifference => ({
      kind: "route",
      interface: name,
      prefix: text,
      is: "missing",
    })),
    ...extra.map((route): RouteDifference => ({
      kind: "route",
      interface: name,
      prefix: route.prefix,
      is: "extra",
      route,
    })),
  ];
}

/** Routes of others for exactly the prefixes that need a route. */
export function foreignRoutes(one: WantedInterface, observed: Observation): Route[] {
  const missing = routeDifferences(one, observed).filter(({ is }) => is === "missing");
  const prefixes = new Set(missing.map(({ prefix }) => prefix));
  return mainRoutes(observed).filter(
    ({ prefix, device }) => device !== one.name && prefixes.has(prefix),
  );
}

/** Without those of length 0, by their text. */
export function allowedPrefixes(one: WantedInterface) {
  const all = one.peers.flatMap(({ allowedIps }) =>
    allowedIps.flatMap((text) => prefixOf(text) ?? []),
  );
  return new Map(all.filter(({ length }) => length > 0).map((prefix) => [prefix.text, prefix]));
}

function mainRoutes({ network }: Observation): Route[] {
  return network.routes.filter(({ table, type }) => table === "main" && !UNROUTED.has(type));
}

/** Routes to the host itself and to groups, which the kernel makes. */
const UNROUTED = new Set(["local", "broadcast", "anycast", "multicast"]);

/** Link-local and multicast prefixes; the default route is never one of allowed IPs here. */
function isAutomatic(prefix: string): boolean {
  return prefix === "default" || prefix.startsWith("fe80:") || prefix.startsWith("ff00:");
}
