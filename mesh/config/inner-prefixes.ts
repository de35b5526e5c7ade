/** All that goes into the tunnel: what no endpoint may lie in, and what no relay's own network may overlap. */
import type { Prefix } from "../addresses";
import type { Tunnels } from "./draft";

export interface InnerPrefix {
  prefix: Prefix;
  /** What it is, in words. */
  of: string;
}

/** The tunnel's own addresses and the LANs behind nodes. The whole internet is no LAN. */
export function innerPrefixes(
  nodes: readonly { name: string; subnets: readonly Prefix[] }[],
  tunnels: Tunnels | null,
): InnerPrefix[] {
  const own = [tunnels?.cidr, tunnels?.cidr6].flatMap((prefix) => prefix ?? []);
  const lans = nodes.flatMap(({ name, subnets }) =>
    subnets
      .filter((prefix) => prefix.length > 0)
      .map((prefix) => ({ prefix, of: `a LAN behind ${name}` })),
  );
  return [...own.map((prefix) => ({ prefix, of: "the tunnel" })), ...lans];
}
