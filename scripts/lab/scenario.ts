/** What a scenario of the lab is: a world, the stack config of a mesh in it, and what must then be true. */
import type { World } from "./world";

/** How to reach a host of the world from the operator. */
export interface Addresses {
  /** A host's address on the operator's management network. */
  managementAddress(host: string): string;
}

/** A node's fields as in stack config. The lab adds the key pair, and the host key where there is a `host`. */
export type NodeFields = Record<string, unknown>;

/** Stack config without its namespace; more keys (policy, expect) are passed on as they are. */
export interface MeshConfig {
  network?: Record<string, unknown>;
  relays?: Record<string, NodeFields>;
  peers: Record<string, NodeFields>;
  [key: string]: unknown;
}

export interface Proof {
  /** What is shown, as a sentence. */
  title: string;
  /** Where the command runs. */
  node: string;
  command: string[];
  /**
   * `answers`: exit code 0; `silence`: ping's "no answer", which is 1; `no connection`: 124, out of time, or 1, refused;
   * a pattern: stdout matches.
   */
  expect: "answers" | "silence" | "no connection" | RegExp;
}

export interface Scenario {
  /** Also the lab's id. */
  name: string;
  /** One line for the list of scenarios. */
  title: string;
  /** The network as an ASCII drawing. */
  picture: string;
  world: World;
  config: (lab: Addresses) => MeshConfig;
  proofs: Proof[];
}

/** One ping, with two seconds to be answered. */
export function ping(address: string): string[] {
  return ["ping", "-n", "-c", "1", "-W", "2", address];
}
