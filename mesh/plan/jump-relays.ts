/** The relays that a login needs as jump hosts. */
import type { Node } from "../config/config";

/** The relays that all logins to the node go through; empty if it also has a direct host. */
export function jumpRelays(node: Node): string[] {
  if (node.hosts.some((host) => host.kind !== "via")) return [];
  return node.hosts.flatMap((host) => (host.kind === "via" ? [host.relay] : []));
}
