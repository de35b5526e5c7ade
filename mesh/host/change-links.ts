/** Steps for the addresses, routes and MTU of a running interface. What is equal is in none of them. */
import { TUNNEL_TABLE } from "../way-out";
import type { LiveDifference } from "./difference";
import { routeOptions, type Link, type Route } from "./network-state";
import type { Observation } from "./observation";
import { addressOf, prefixOf } from "./prefixes";
import { destinationOf } from "./route-differences";
import { ipStep, NOTHING, type Part } from "./steps";

/** `differences` are those of this interface. */
export function changeLink(
  link: Link,
  differences: readonly LiveDifference[],
  observed: Observation,
): Part {
  const { name } = link;
  const mtu = differences.find((it) => it.kind === "mtu");
  const isDown = differences.some((it) => it.kind === "interface" && it.is === "down");
  const mtuLine = (value: "is" | "wanted") =>
    mtu === undefined ? [] : [`link set mtu ${mtu[value]} dev ${name}`];
  const upLine = (verb: "up" | "down") => (isDown ? [`link set ${verb} dev ${name}`] : []);
  const addresses = addressTurn(link, differences);
  const routes = routeTurn(name, differences, observed);
  const back = reversed(addresses);
  const loses = losesRoutes(addresses);
  return {
    apply: ipStep([
      ...mtuLine("wanted"),
      ...upLine("up"),
      ...turnLines(name, addresses, routes, loses),
    ]),
    undo: ipStep([
      ...upLine("down"),
      ...turnLines(name, back, reversed(routes), loses || losesRoutes(back)),
      ...mtuLine("is"),
    ]),
  };
}

/**
 * Steps before those for the peers: where addresses and peers change, a host is at the former place or at the new one after each
 * step, should it be left there.
 */
export function withBothAddresses(link: Link, differences: readonly LiveDifference[]): Part {
  const { added, removed } = addressTurn(link, differences);
  if (added.length === 0 || removed.length === 0) return NOTHING;
  return {
    apply: ipStep(addressLines(link.name, added)),
    undo: ipStep(addressLines(link.name, removed)),
  };
}

/** Lines for ip that give a new interface its addresses. */
export function addressLines(name: string, addresses: readonly string[]): string[] {
  return addresses.map((address) => `address replace ${address} dev ${name}`);
}

/** A line for ip(8) about exactly this route. */
export function routeLine(verb: "add" | "replace" | "del", route: Route): string {
  // The kernel may have one of its own to the same prefix.
  const only = verb === "del" && route.protocol === "boot" ? " proto boot" : "";
  return `route ${verb} ${destinationOf(route)}${routeOptions(route)}${only}`;
}

/** Routes of the interface that can be added again, whoever added them. The kernel makes its own. */
export function restorableRoutes(name: string, { network }: Observation): Route[] {
  return network.routes.filter(
    ({ device, protocol, type, complete, prefix, table }) =>
      device === name &&
      protocol !== "kernel" &&
      type === "unicast" &&
      complete &&
      (prefix !== "default" || table === TUNNEL_TABLE),
  );
}

/** What comes, goes and stays. */
interface Turn<T> {
  added: T[];
  removed: T[];
  kept: T[];
}

function reversed<T>({ added, removed, kept }: Turn<T>): Turn<T> {
  return { added: removed, removed: added, kept };
}

function addressTurn({ addresses }: Link, differences: readonly LiveDifference[]): Turn<string> {
  const found = differences.filter((it) => it.kind === "address");
  const those = (is: "missing" | "extra") =>
    found.filter((it) => it.is === is).map(({ address }) => address);
  const removed = new Set(those("extra"));
  const kept = addresses.filter((address) => !removed.has(address));
  return { added: those("missing"), removed: [...removed], kept };
}

function routeTurn(
  name: string,
  differences: readonly LiveDifference[],
  observed: Observation,
): Turn<Route> {
  const found = differences.filter((it) => it.kind === "route");
  const those = (is: "missing" | "extra") =>
    found.filter((it) => it.is === is).map(({ route }) => route);
  const removed = new Set(those("extra"));
  return {
    added: those("missing"),
    removed: [...removed],
    kept: restorableRoutes(name, observed).filter((route) => !removed.has(route)),
  };
}

/**
 * What is new comes first, so that the interface is never without an address and no prefix long without a route.
 * `losesRoutes`: IPv4 routes may have to be set again.
 */
function turnLines(
  name: string,
  addresses: Turn<string>,
  routes: Turn<Route>,
  losesRoutes: boolean,
): string[] {
  const { added, removed } = addresses;
  const lost = losesRoutes ? [...routes.kept, ...routes.added] : [];
  return [
    ...addressLines(name, added),
    ...routes.added.map((route) => routeLine("add", route)),
    ...routes.removed.map((route) => routeLine("del", route)),
    // The first address of a subnet, which takes the others along, is listed before them.
    ...[...removed].reverse().map((address) => `address del ${address} dev ${name}`),
    ...addressLines(name, remaining(addresses).taken),
    ...lost.filter(({ family }) => family === 4).map((route) => routeLine("replace", route)),
  ];
}

/** The kernel drops all IPv4 routes of an interface that is without an IPv4 address, be it for a moment. */
function losesRoutes(addresses: Turn<string>): boolean {
  return addresses.removed.some(isIpv4) && !remaining(addresses).safe.some(isIpv4);
}

/**
 * The addresses that stay or come, split into those that are taken along by one that goes: the kernel removes a subnet's
 * other IPv4 addresses with its first one, and knows an IPv6 address only once, whatever its length.
 */
function remaining({ added, removed, kept }: Turn<string>): Record<"taken" | "safe", string[]> {
  const group = (address: string) =>
    isIpv4(address) ? prefixOf(address)?.text : addressOf(address);
  const gone = new Set(removed.map(group));
  const all = [...added, ...kept];
  return {
    taken: all.filter((address) => gone.has(group(address))),
    safe: all.filter((address) => !gone.has(group(address))),
  };
}

function isIpv4(text: string): boolean {
  return !text.includes(":");
}
