/** The input of a diagnosis: the plan, the hosts' answers, and the results of their pings. */
import type { Observation } from "../host/observation";
import type { Wanted } from "../host/wanted";
import type { NodePlan, Plan } from "../plan/plan";
import type { Probes } from "./probes";

/** What was examined, in the order of the checks. The first that fails is a node's finding. */
export type Check =
  | "name"
  | "TCP"
  | "host key"
  | "login"
  | "privilege"
  | "answer"
  | "tools"
  | "WireGuard"
  | "clock"
  | "addresses"
  | "interface"
  | "forwarding"
  | "firewall"
  | "peers"
  | "policy"
  | "endpoint"
  | "UDP"
  | "handshake"
  | "ping"
  | "MTU"
  | "drift"
  | "boot"
  | "disk";

export interface Cause {
  check: Check;
  /** One clause; more lines only for the output of a host. */
  cause: string;
  remedy: string;
}

export interface Finding extends Cause {
  /** The node to fix, or `this machine`. */
  node: string;
  /** Other nodes that fail because of it, e.g. those that have no tunnel. */
  affects: string[];
}

/** A host that answered. */
export interface HostFacts {
  kind: "reached";
  node: NodePlan;
  /** Includes preshared keys, for comparison, if the stack's passphrase is set. */
  wanted: Wanted;
  observed: Observation;
  /** When it was queried, by this machine's clock, in seconds since 1970. */
  queriedAt: number;
  /** All differences from the plan, as text. */
  drift: readonly string[];
  /** Null if there were none, or no answer came. */
  probes: Probes | null;
  /** Observed after the probes; null if its tunnels work and did so before. */
  later: Observation | null;
}

/** A host that could not be queried. */
export interface Unreached extends Cause {
  kind: "unreached";
  node: NodePlan;
}

export interface Facts {
  plan: Plan;
  /** By name: the hosts that were queried. */
  hosts: ReadonlyMap<string, HostFacts | Unreached>;
  /** The nodes that the user named; of two, the first should reach the second. Empty: all nodes. */
  names: readonly string[];
  /** Devices whose config is outdated. */
  outdated: readonly string[];
}

/** What a host reports about its tunnel to a neighbour, over both keys during a rotation. */
export interface TunnelView {
  /** Seconds since the last handshake by the host's clock; null: none, or that clock is unknown. */
  age: number | null;
  /** Bytes. */
  received: number;
  sent: number;
  /** Where the host sends packets now; null: nowhere yet. */
  endpoint: { address: string; port: number } | null;
}
