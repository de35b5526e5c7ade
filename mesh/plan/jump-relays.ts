/** Whose tunnel the way onto a machine leads through. */
import type { Node } from "../config/config";

/** The relays without which no way onto the machine exists. */
export function jumpRelays(node: Node): string[] {
  if (node.hosts.some((host) => host.kind !== "via")) return [];
  return node.hosts.flatMap((host) => (host.kind === "via" ? [host.relay] : []));
}
