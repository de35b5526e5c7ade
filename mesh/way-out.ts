/**
 * How a pushed host sends everything through its exit: wg-quick(8)'s own numbers, so that its other uses of them are noticed, but
 * fixed priorities of the rules.
 */

/** Of WireGuard's own packets, and of connections that do not begin here: they leave by the host's own way. */
export const OWN_WAY_MARK = "0xca6c";

/** Number of the routing table that leads into the tunnel. */
export const TUNNEL_TABLE = "51820";
