/** The stack's outputs, as of the last `up`. */
import type { RawConfig } from "../../mesh/config/read-draft";
import { isMap } from "../../mesh/config/shape-issues";
import { Secret } from "../../mesh/secret";
import { queryStack } from "./engine";
import type { StackRef } from "./project";

/** By name, without the secret output; empty before the first `up`. */
export type Outputs = Record<string, unknown>;

export interface OutputsWithConfigs {
  outputs: Outputs;
  /** The wg-quick(8) files of nodes without a host, by node. */
  configs: Map<string, Secret>;
}

export async function readOutputs(stack: StackRef): Promise<Outputs> {
  return withoutConfigs(await query(stack));
}

/** Reads the secret output too. */
export async function readOutputsWithConfigs(stack: StackRef): Promise<OutputsWithConfigs> {
  const all = await query(stack, "--show-secrets");
  const configs = Object.entries(isMap(all["configs"]) ? all["configs"] : {});
  return {
    outputs: withoutConfigs(all),
    configs: new Map(
      configs.flatMap(([node, text]) =>
        typeof text === "string" ? [[node, Secret.of(text)] as const] : [],
      ),
    ),
  };
}

async function query(stack: StackRef, ...flags: string[]): Promise<Outputs> {
  const args = ["stack", "output", "--json", ...flags];
  const outputs: unknown = JSON.parse(await queryStack(stack, args, "the stack's outputs"));
  return isMap(outputs) ? outputs : {};
}

function withoutConfigs(all: Outputs): Outputs {
  return Object.fromEntries(Object.entries(all).filter(([name]) => name !== "configs"));
}

/** The facts of each relay and peer by name. */
function nodeFacts(outputs: Outputs): [name: string, facts: Record<string, unknown>][] {
  return [outputs["relays"], outputs["peers"]].flatMap((nodes) =>
    Object.entries(isMap(nodes) ? nodes : {}).flatMap(([name, facts]) =>
      isMap(facts) ? [[name, facts] as [string, Record<string, unknown>]] : [],
    ),
  );
}

/** Whether the node was in the network at the last `up`. */
export function hasNode(outputs: Outputs, name: string): boolean {
  return nodeFacts(outputs).some(([known]) => known === name);
}

/** Fingerprints of the configs of nodes without a host, by node. */
export function fingerprintsIn(outputs: Outputs): Map<string, string> {
  const files = nodeFacts(outputs).flatMap(([name, { fingerprint }]) =>
    typeof fingerprint === "string" ? [[name, fingerprint] as const] : [],
  );
  return new Map(files);
}

/**
 * The config with the next keys of rotations that were started by setting only a new private key. That key is encrypted in
 * the file, but the program exports its public half as an output. The output is used only while the file has the same
 * current key, a private key and no next key.
 */
export function withNextKeys(config: RawConfig, outputs: Outputs): RawConfig {
  const facts = new Map(nodeFacts(outputs));
  const { privateKeys } = config;
  const hasPrivateKey = (name: string) =>
    privateKeys instanceof Secret || (isMap(privateKeys) && Object.hasOwn(privateKeys, name));
  const complete = (nodes: unknown): unknown => {
    if (!isMap(nodes)) return nodes;
    const entries = Object.entries(nodes).map(([name, node]) => {
      const known = facts.get(name);
      if (!isMap(node) || typeof known?.["nextPublicKey"] !== "string") return [name, node];
      const { publicKey, nextPublicKey } = node;
      const isCurrent = typeof publicKey === "string" && publicKey === known["publicKey"];
      const applies = isCurrent && nextPublicKey === undefined && hasPrivateKey(name);
      if (!applies) return [name, node];
      return [name, { ...node, nextPublicKey: known["nextPublicKey"] }];
    });
    return Object.fromEntries(entries) as unknown;
  };
  const groups = ["relays", "peers"].filter((group) => config[group] !== undefined);
  const completed = groups.map((group) => [group, complete(config[group])]);
  return { ...config, ...(Object.fromEntries(completed) as RawConfig) };
}
