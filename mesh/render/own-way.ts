/**
 * Renders, as part of the nftables table (filter.ts) of a host that sends everything through an exit, what keeps its own way
 * in: connections that arrive outside of the tunnel are answered by the way that they came, and those that were open before the
 * table was loaded go on. A route is chosen again for a packet that a `route` chain marks (nft(8)).
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
  // The source of a connection through the tunnel is an address of the tunnel.
  const sources = [
    `ip saddr != ${address.text}`,
    address6 === null ? "meta nfproto ipv6" : `ip6 saddr != ${address6.text}`,
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
      ...sources.map((match) => `\t${match} meta l4proto tcp ct state new ${KEEP} ${RESTORE}`),
      "}",
    ],
  ];
}
