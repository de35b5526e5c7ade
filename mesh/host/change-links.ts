/** Steps for differences in addresses, routes and MTU of a running interface. */
import { TUNNEL_TABLE } from "../exit-routing";
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
 * Steps before those for the peers. If addresses and peers change, the host has both addresses in between, so that it can be
 * reached after each step.
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
  // The kernel may have its own route to the same prefix.
  const only = verb === "del" && route.protocol === "boot" ? " proto boot" : "";
  return `route ${verb} ${destinationOf(route)}${routeOptions(route)}${only}`;
}

/** Routes of the interface that can be added again. The kernel restores its own. */
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

interface Changed<T> {
  added: T[];
  removed: T[];
  kept: T[];
}

function reversed<T>({ added, removed, kept }: Changed<T>): Changed<T> {
  return { added: removed, removed: added, kept };
}

function addressTurn({ addresses }: Link, differences: readonly LiveDifference[]): Changed<string> {
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
): Changed<Route> {
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
 * New ones are added first, so that the interface always has an address, and each prefix a route.
 * `losesRoutes`: IPv4 routes may have to be set again.
 */
function turnLines(
  name: string,
  addresses: Changed<string>,
  routes: Changed<Route>,
  losesRoutes: boolean,
): string[] {
  const { added, removed } = addresses;
  const lost = losesRoutes ? [...routes.kept, ...routes.added] : [];
  return [
    ...addressLines(name, added),
    ...routes.added.map((route) => routeLine("add", route)),
    ...routes.removed.map((route) => routeLine("del", route)),
    // In reverse, because deleting the first address of a subnet deletes the others too.
    ...[...removed].reverse().map((address) => `address del ${address} dev ${name}`),
    ...addressLines(name, remaining(addresses).taken),
    ...lost.filter(({ family }) => family === 4).map((route) => routeLine("replace", route)),
  ];
}

/** The kernel drops all IPv4 routes of an interface when its last IPv4 address is deleted. */
function losesRoutes(addresses: Changed<string>): boolean {
  return addresses.removed.some(isIpv4) && !remaining(addresses).safe.some(isIpv4);
}

/**
 * The kept and new addresses, split by whether deleting another address removes them: the kernel deletes a subnet's other IPv4
 * addresses with the first one, and has an IPv6 address only once, whatever its prefix length.
 */
function remaining({ added, removed, kept }: Changed<string>): Record<"taken" | "safe", string[]> {
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
