/** What the last `up` left in the stack's state. */
import { isMap } from "../../mesh/config/shape-issues";
import { Secret } from "../../mesh/secret";
import { askEngine, complaintOf, onStack } from "./engine";
import { Failure } from "./failure";
import type { Stack } from "./project";

/** The outputs by name, none of them secret; empty before the first `up`. */
export type Outputs = Record<string, unknown>;

/** Asks the engine. */
export async function readOutputs(stack: Stack): Promise<Outputs> {
  const answer = await askEngine(stack.project, onStack(stack, "stack", "output", "--json"));
  if (answer.exitCode !== 0) {
    throw new Failure(
      `the engine did not give the stack's outputs: ${complaintOf(answer)}`,
      `see that this works: pulumi stack output --stack ${stack.name}`,
    );
  }
  const outputs: unknown = JSON.parse(answer.stdout);
  return isMap(outputs) ? outputs : {};
}

/** The facts of each relay and peer by name. */
function nodeFacts(outputs: Outputs): [name: string, facts: Record<string, unknown>][] {
  return [outputs["relays"], outputs["peers"]].flatMap((nodes) =>
    Object.entries(isMap(nodes) ? nodes : {}).flatMap(([name, facts]) =>
      isMap(facts) ? [[name, facts] as [string, Record<string, unknown>]] : [],
    ),
  );
}

/** The public keys of each node between two keys, as the program saw them: it reads the private one too. */
export function nextKeysIn(outputs: Outputs): Map<string, { publicKey: string; next: string }> {
  const keys = nodeFacts(outputs).flatMap(([name, { publicKey, nextPublicKey }]) =>
    typeof publicKey === "string" && typeof nextPublicKey === "string"
      ? [[name, { publicKey, next: nextPublicKey }] as const]
      : [],
  );
  return new Map(keys);
}

/** Of the files of nodes without a host. */
export function fingerprintsIn(outputs: Outputs): Map<string, string> {
  const files = nodeFacts(outputs).flatMap(([name, { fingerprint }]) =>
    typeof fingerprint === "string" ? [[name, fingerprint] as const] : [],
  );
  return new Map(files);
}

/** The wg-quick files of nodes without a host, by node; null where the stack has none, as before the first `up`. */
export async function readConfigs(stack: Stack): Promise<Map<string, Secret> | null> {
  const args = onStack(stack, "stack", "output", "configs", "--show-secrets", "--json");
  const answer = await askEngine(stack.project, args);
  if (/does not have output property/.test(answer.stderr)) return null;
  if (answer.exitCode !== 0) {
    throw new Failure(
      `the engine did not give the configs: ${complaintOf(answer)}`,
      `see that this works: pulumi stack output --stack ${stack.name}`,
    );
  }
  const configs: unknown = JSON.parse(answer.stdout);
  if (!isMap(configs)) return null;
  return new Map(
    Object.entries(configs).flatMap(([node, text]) =>
      typeof text === "string" ? [[node, Secret.of(text)] as const] : [],
    ),
  );
}
