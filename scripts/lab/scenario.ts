/** A scenario of the lab: a world, the stack config of a mesh in it, and the expected result. */
import type { World } from "./world";

/** The addresses at which the operator reaches the hosts. */
export interface LabAddresses {
  /** A host's address on the operator's management network. */
  managementAddress(host: string): string;
}

/** A node's fields as in stack config. The lab adds the key pair, and the host key if there is a `host`. */
export type NodeFields = Record<string, unknown>;

/** Stack config without its namespace; other keys (policy, expect) are copied unchanged. */
export interface ScenarioConfig {
  network?: Record<string, unknown>;
  relays?: Record<string, NodeFields>;
  peers: Record<string, NodeFields>;
  [key: string]: unknown;
}

export interface Proof {
  /** The statement that is proven, as a sentence. */
  title: string;
  /** Where the command runs. */
  node: string;
  command: string[];
  /**
   * `answers`: exit code 0; `silence`: exit code 1, ping's "no reply"; `no connection`: exit code 124 (timeout) or 1
   * (refused); a pattern: stdout matches it.
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
  config: (lab: LabAddresses) => ScenarioConfig;
  proofs: Proof[];
}

/** One ping that waits two seconds for the reply. */
export function ping(address: string): string[] {
  return ["ping", "-n", "-c", "1", "-W", "2", address];
}
