/**
 * Renders, as part of the nftables table (filter.ts) of a host that sends everything through an exit, what keeps its own way
 * in: connections that arrive outside of the tunnel are answered by the way that they came, and those that were open before go on,
 * whoever speaks first. A route is chosen again for a packet that a `route` chain marks (nft(8)).
 */
import type { Network } from "../config/config";
import type { NodePlan } from "../plan/plan";
import { sendsAll } from "../plan/way-out";
import { OWN_WAY_MARK } from "../way-out";
import type { Block } from "./address-sets";

/** As nft prints a mark. */
const MARK = `0x${OWN_WAY_MARK.slice(2).padStart(8, "0")}`;
const KEEP = `ct mark set ${MARK}`;
const RESTORE = "meta mark set ct mark";

export function ownWayBlocks(node: NodePlan, network: Network): Block[] {
  if (!sendsAll(node)) return [];
  const { address, address6 } = node;
  // A connection with another source began when another way led out.
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
      // One that begins now goes into the tunnel.
      "\ttcp flags syn return",
      ...sources.map((match) => `\toifname "${network.interface}" ${match} ${KEEP} ${RESTORE}`),
      "}",
    ],
  ];
}
