/**
 * The firewall mark and routing table of a host that sends all traffic through an exit. They are the numbers that wg-quick(8)
 * uses, so that a conflict with another tunnel is noticed.
 */

/** On WireGuard's own packets, and on answers to connections from outside: these use the host's own default route. */
export const BYPASS_MARK = "0xca6c";

/** Number of the routing table that leads into the tunnel. */
export const TUNNEL_TABLE = "51820";
