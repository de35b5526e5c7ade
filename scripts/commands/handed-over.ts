/** The config of a node that is not pushed to, out of the stack's state. */
import { writeFileSync, rmSync, renameSync } from "node:fs";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import type { Secret } from "../../mesh/secret";
import { Failure } from "../stack/failure";
import { readPlan } from "../stack/network";
import { readConfigs } from "../stack/outputs";
import type { Stack } from "../stack/project";
import { lastOutputs } from "./last-outputs";
import { noSuchNode } from "./plan";

export interface HandedOver {
  node: NodePlan;
  plan: Plan;
  /** The wg-quick(8) file. */
  file: Secret;
}

/** A Failure where the node is pushed to, or the last `up` knew nothing of it. */
export async function readHandedOver(name: string, stack: Stack): Promise<HandedOver> {
  const plan = readPlan(stack, await lastOutputs(stack));
  const node = plan.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw noSuchNode(name, plan.nodes);
  if (node.hosts.length > 0) {
    throw new Failure(
      `${name} is pushed to: its config goes to its host by \`up\`, and nowhere else`,
      `to look at it: npx wireguard-mesh plan ${name}`,
    );
  }
  const file = (await readConfigs(stack))?.get(name);
  if (file !== undefined) return { node, plan, file };
  throw new Failure(
    `the stack has no config for ${name} yet`,
    "make it so first: npx wireguard-mesh up",
  );
}

/** Writes a secret to a file that only its owner may read, whole or not at all. */
export function writeSecretFile(path: string, content: string | Buffer): void {
  const beside = `${path}.new`;
  // A file of that name with wider rights would keep them.
  rmSync(beside, { force: true });
  try {
    writeFileSync(beside, content, { mode: 0o600, flag: "wx" });
    renameSync(beside, path);
  } catch (problem) {
    rmSync(beside, { force: true });
    throw problem;
  }
}
