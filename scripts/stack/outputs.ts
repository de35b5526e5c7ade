/** What the last `up` left in the stack's state. */
import { isMap } from "../../mesh/config/shape-issues";
import { Secret } from "../../mesh/secret";
import { askEngine, complaintOf, onStack } from "./engine";
import { Failure } from "./failure";
import type { Stack } from "./project";

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
