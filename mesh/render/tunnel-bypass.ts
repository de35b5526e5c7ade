/**
 * Keeps a host that sends all traffic through an exit reachable at its own addresses, by rules in its nftables table (filter.ts).
 * Connections from outside the tunnel are answered outside of it, and earlier ones continue. Packets that a `route` chain marks
 * are routed again (nft(8)).
 */
import type { Network } from "../config/config";
import type { NodePlan } from "../plan/plan";
import { isRouteAllHost } from "../plan/route-all";
import { BYPASS_MARK } from "../exit-routing";
import type { Block } from "./address-sets";

/** In the form that nft prints. */
const MARK = `0x${BYPASS_MARK.slice(2).padStart(8, "0")}`;
const KEEP = `ct mark set ${MARK}`;
const RESTORE = "meta mark set ct mark";

export function bypassBlocks(node: NodePlan, network: Network): Block[] {
  if (!isRouteAllHost(node)) return [];
  const { address, address6 } = node;
  // A connection with another source address was opened outside the tunnel.
  const sources = [
    `ip saddr != ${address.text} meta l4proto tcp`,
    `${address6 === null ? "meta nfproto ipv6" : `ip6 saddr != ${address6.text}`} meta l4proto tcp`,
  ];
  return [
    [
      "chain arriving {",
      "\ttype filter hook prerouting priority mangle; policy accept;",
      `\tiifname != { "lo", "${network.interface}" } fib daddr type local ${KEEP}`,
      `\tct mark ${MARK} ${RESTORE}`,
      "}",
    ],
    [
      "chain answering {",
      "\ttype route hook output priority mangle; policy accept;",
      `\tct mark ${MARK} ${RESTORE} accept`,
      // New connections go into the tunnel.
      "\ttcp flags syn return",
      ...sources.map((match) => `\toifname "${network.interface}" ${match} ${KEEP} ${RESTORE}`),
      "}",
    ],
  ];
}
