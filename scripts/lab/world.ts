/** The form of a world: which machines, home routers and addresses the lab builds, as plain data. */

/** A router with network address translation between its LAN and the internet; nothing gets in but `forward`. */
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
export interface Host {
  /** Address within 203.0.113.0/24. */
  public?: string;
  /** Second address on the internet, within 2001:db8:113::/64; only beside `public`. */
  public6?: string;
  /** The router it is behind. */
  nat?: string;
  /** Its address in that router's LAN. */
  ip?: string;
  /** More routes, in ip-route(8)'s words: `192.168.1.0/24 via 192.168.0.2`. */
  routes?: string[];
  /** Passes on packets from the start; default false (a mesh node is told so by the push). */
  forward?: boolean;
}

/** Names are DNS labels in lower case; `operator` and `internet` are the lab's own. */
export interface World {
  nats?: Record<string, Nat>;
  hosts: Record<string, Host>;
}

/** Something the user can mend: what, why and how, in words. Printed without a stack trace. */
export class LabError extends Error {}

/** The command was called wrongly. */
export class UsageError extends LabError {}
