/** What `doctor` knows of the network when it judges: what hosts have said, and what their pings met. */
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
  /** One clause; further lines only where a host itself spoke. */
  cause: string;
  remedy: string;
}

export interface Finding extends Cause {
  /** Where it is to be mended. */
  node: string;
  /** Others that are without a tunnel because of it. */
  affects: string[];
}

/** A host that was asked. */
export interface HostFacts {
  kind: "reached";
  node: NodePlan;
  /** With preshared keys that can be compared, where the passphrase was there. */
  wanted: Wanted;
  observed: Observation;
  /** Our own clock then, seconds since 1970. */
  askedAt: number;
  /** All differences from the plan, in words. */
  drift: readonly string[];
  /** Null: not asked for, or the answer did not come. */
  probes: Probes | null;
  /** After the probes; null where all of them were answered. */
  later: Observation | null;
}

/** A host that could not be asked. */
export interface Unreached extends Cause {
  kind: "unreached";
  node: NodePlan;
}

export interface Facts {
  plan: Plan;
  /** By name: the hosts that were asked. */
  hosts: ReadonlyMap<string, HostFacts | Unreached>;
  /** Those whom the question is about. The first of two is the one who wants to reach the other. Empty: all. */
  names: readonly string[];
  /** Devices that have a former config. */
  outdated: readonly string[];
}

/** During a rotation a node has two keys. */
export interface TunnelView {
  /** Seconds since the last handshake by the host's clock; null: none. */
  age: number | null;
  /** Bytes. */
  received: number;
  sent: number;
  /** `ADDRESS:PORT` as it is dialled now; null: none yet. */
  endpoint: { address: string; port: number } | null;
}
