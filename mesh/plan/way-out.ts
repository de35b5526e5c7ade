/** Hosts that send all traffic through an exit. */
import type { Node } from "../config/config";

/** Whether a push sets up the routes. On a device, wg-quick(8) or an app does it from the allowed IPs. */
export function sendsAll({ routeAll, hosts }: Pick<Node, "routeAll" | "hosts">): boolean {
  return routeAll === true && hosts.length > 0;
}

/** Addresses that such a host must reach through its exit: the exit itself, and addresses beyond it. */
export function exitCheckAddresses(node: Node, nodes: readonly Node[]): string[] {
  if (!sendsAll(node)) return [];
  const exit = nodes.find(({ name }) => name === node.relay);
  const all = exit === undefined ? [] : [exit.address, ...(exit.exitCheck ?? [])];
  return all.filter(({ family }) => family === 4 || node.address6 !== null).map(({ text }) => text);
}
