/** The stack's own SSH key: the one secret that a command needs to get onto a host without the engine. */
import type { RawConfig } from "../../mesh/config/read-draft";
import { Secret } from "../../mesh/secret";
import { askEngine, complaintOf, onStack } from "./engine";
import { Failure } from "./failure";
import type { Stack } from "./project";
import { NAMESPACE } from "./stack-file";

/** Null where the stack has none: then the user's own agent and keys are used, and the engine is not asked. */
export async function readSshPrivateKey(stack: Stack, config: RawConfig): Promise<Secret | null> {
  if (!(config["sshPrivateKey"] instanceof Secret)) return null;
  const args = onStack(stack, "config", "get", `${NAMESPACE}sshPrivateKey`);
  const answer = await askEngine(stack.project, args);
  if (answer.exitCode === 0) return Secret.of(answer.stdout);
  throw new Failure(
    `the engine did not give wireguard-mesh:sshPrivateKey, which leads to the hosts: ${complaintOf(answer)}`,
    `see that this works: pulumi config --stack ${stack.name}`,
  );
}
