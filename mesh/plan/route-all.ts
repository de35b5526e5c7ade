/** Hosts that send all traffic through an exit. */
import type { Node } from "../config/config";

/** Whether a push sets up the routes. On a device, wg-quick(8) or an app does it from the allowed IPs. */
export function isRouteAllHost({ routeAll, hosts }: Pick<Node, "routeAll" | "hosts">): boolean {
  return routeAll === true && hosts.length > 0;
}

/** Addresses that a host with `routeAll` must reach through its exit: the exit itself, and its `exitCheck`. */
export function exitCheckAddresses(node: Node, nodes: readonly Node[]): string[] {
  if (!isRouteAllHost(node)) return [];
  const exit = nodes.find(({ name }) => name === node.relay);
  const all = exit === undefined ? [] : [exit.address, ...(exit.exitCheck ?? [])];
  return all.filter(({ family }) => family === 4 || node.address6 !== null).map(({ text }) => text);
}
