/** Prefixes that are routed into the tunnel: no endpoint and no host may be in one, and no VPC of a relay may overlap one. */
import type { Prefix } from "../addresses";
import { tunnelPrefixes } from "./config";
import type { Tunnels } from "./draft";

export interface InnerPrefix {
  prefix: Prefix;
  /** Human-readable description. */
  label: string;
}

/** The tunnel's own prefixes and the LANs behind nodes. Skips `/0`, which another rule rejects as a LAN. */
export function innerPrefixes(
  nodes: readonly { name: string; subnets: readonly Prefix[] }[],
  tunnels: Tunnels | null,
): InnerPrefix[] {
  const own = tunnels === null ? [] : tunnelPrefixes(tunnels);
  const lans = nodes.flatMap(({ name, subnets }) =>
    subnets
      .filter((prefix) => prefix.length > 0)
      .map((prefix) => ({ prefix, label: `a LAN behind ${name}` })),
  );
  return [...own.map((prefix) => ({ prefix, label: "the tunnel" })), ...lans];
}

/** The remedy for a LAN that overlaps the tunnel. */
export function tunnelRemedy(lan: Prefix): string {
  return `move the tunnel: set network.${lan.family === 4 ? "cidr" : "cidr6"} to a prefix that no LAN here uses`;
}
