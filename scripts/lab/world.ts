/** A world: the machines, home routers and addresses that the lab builds, as plain data. */

/** A router with NAT between its LAN and the internet; it accepts only `forward` from outside. */
export interface Nat {
  /** Its address on the internet, within 203.0.113.0/24. */
  public: string;
  /** Its LAN, as a CIDR. */
  lan: string;
  /** Its address in the LAN; default the first address of `lan`. */
  gw?: string;
  /** Port forwardings, UDP and TCP: outer port and `IP:PORT` in the LAN. */
  forward?: [number, string][];
}

/** A machine: either with an address on the internet (`public`) or behind a router (`nat` and `ip`). */
export interface WorldHost {
  /** Address within 203.0.113.0/24. */
  public?: string;
  /** IPv6 address on the internet, within 2001:db8:113::/64; only together with `public`. */
  public6?: string;
  /** The router it is behind. */
  nat?: string;
  /** Its address in that router's LAN. */
  ip?: string;
  /** More routes, in ip-route(8) syntax: `192.168.1.0/24 via 192.168.0.2`. */
  routes?: string[];
  /** Whether IP forwarding is on from the start; default false (the push turns it on for mesh nodes). */
  forward?: boolean;
}

/** Names are lower-case DNS labels; `operator` and `internet` are reserved for the lab. */
export interface World {
  nats?: Record<string, Nat>;
  hosts: Record<string, WorldHost>;
}

/** An error that the user can fix; the message has the cause and the remedy. Printed without a stack trace. */
export class LabError extends Error {}

/** Wrong command line arguments. */
export class UsageError extends LabError {}
