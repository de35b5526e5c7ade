/** What a host lets through its tunnel, as plain data: the input of mesh/render/filter.ts. */
import type { PortRange } from "../config/ports";

export interface FilterPlan {
  /** Names of our interfaces on this host; the second one exists only during a rotation. */
  interfaces: string[];
  /** Whether the host forwards packets. */
  forwards: boolean;
  /**
   * The sources whose connections were checked before they came here. A relay trusts `only` what other relays pass on; a
   * peer trusts its home relay with everything `except` what its direct links bring.
   */
  trusted: { only: string[] } | { except: string[] };
  /** LANs whose machines may send into the tunnel, on a relay; null on a peer: the next node knows its LANs. */
  entrances: string[] | null;
  /** What is let through, whichever rule says so. */
  rules: FilterRule[];
}

export interface FilterRule {
  /** Part of the names of its sets, unique in the table. */
  name: string;
  /** Prefixes that may start connections. */
  from: string[];
  /** Prefixes that they may start them to. */
  to: string[];
  /** Null: everything. A ping is always included; with an empty list it is all. */
  ports: PortRange[] | null;
}
