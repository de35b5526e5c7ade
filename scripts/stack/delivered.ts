/**
 * Which config each device was given last: in the stack file under `delivered`, because that is what the operators of a
 * network share. It changes nothing that is pushed; the program's outputs say who is behind.
 */
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { deliveryOf, needingConfig, type Outdated } from "../../mesh/render/delivery";
import type { Secret } from "../../mesh/secret";
import { configPath } from "./encrypt";
import { fingerprintsIn, type Outputs } from "./outputs";
import type { Stack } from "./project";
import { readConfig, readStackFile, writeStackFile } from "./stack-file";
import { setIn } from "./yaml-edit";

/** Writes down that a node's config has been given out. */
export function recordDelivery(stack: Stack, node: NodePlan, plan: Plan, file: Secret): void {
  const { config, knows, file: fingerprint } = deliveryOf(file.reveal(), node, plan);
  const text = readStackFile(stack.file);
  const record = { config, knows, file: fingerprint };
  const edited = setIn(text, configPath(["delivered", node.name]), record);
  if (edited !== text) writeStackFile(stack.file, edited);
}

/** The nodes that need their (new) config, by a stack's file and its outputs. */
export function outdatedIn(stack: Stack, plan: Plan, outputs: Outputs): Outdated[] {
  const { delivered } = readConfig(readStackFile(stack.file), stack.file);
  return needingConfig(plan, delivered, fingerprintsIn(outputs));
}

/** Each with the command that hands it over. */
export function outdatedText(outdated: readonly Outdated[], plan: Plan): string {
  if (outdated.length === 0) return "";
  const lines = outdated.map(
    ({ node, why }) => `  ${commandFor(node, plan)}   # ${why.join(", ")}`,
  );
  return `These need their config, which has to be handed over:\n${lines.join("\n")}`;
}

/** A device that adds its own key gets text, for a QR code has no gap. */
function commandFor(name: string, { nodes }: Plan): string {
  const node = nodes.find((candidate) => candidate.name === name);
  return node?.custody === "device"
    ? `npx wireguard-mesh config ${name}`
    : `npx wireguard-mesh qr ${name}`;
}
