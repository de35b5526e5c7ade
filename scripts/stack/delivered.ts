/**
 * Which config each device was given last: in the stack file under `delivered`, because that is what the operators of a
 * network share. The program does not look at it, so it changes no preview.
 */
import type { RawConfig } from "../../mesh/config/read-draft";
import { isMap } from "../../mesh/config/shape-issues";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { deliveryOf, outdatedBy, type Delivery } from "../../mesh/render/delivery";
import type { Secret } from "../../mesh/secret";
import { configPath } from "./encrypt";
import { readPlan } from "./network";
import type { Stack } from "./project";
import { readConfig, readStackFile, writeStackFile } from "./stack-file";
import { setIn } from "./yaml-edit";

export interface Outdated {
  node: string;
  why: string[];
}

/** Writes down that a node's config has been given out. */
export function recordDelivery(stack: Stack, node: NodePlan, file: Secret): void {
  const { config, knows } = deliveryOf(file.reveal(), node, readPlan(stack));
  const text = readStackFile(stack.file);
  const edited = setIn(text, configPath(["delivered", node.name]), { config, knows });
  if (edited !== text) writeStackFile(stack.file, edited);
}

/** The nodes whose last config, as far as it is known, is no longer what the plan says. */
export function outdatedDeliveries(plan: Plan, config: RawConfig): Outdated[] {
  const delivered = isMap(config["delivered"]) ? config["delivered"] : {};
  return plan.nodes.flatMap((node) => {
    const delivery = node.hosts.length > 0 ? null : readDelivery(delivered[node.name]);
    const why = delivery === null ? [] : outdatedBy(delivery, node, plan);
    return why.length === 0 ? [] : [{ node: node.name, why }];
  });
}

/** The same of a stack's file. */
export function outdatedIn(stack: Stack, plan: Plan): Outdated[] {
  return outdatedDeliveries(plan, readConfig(readStackFile(stack.file), stack.file));
}

export function outdatedText(outdated: readonly Outdated[]): string {
  if (outdated.length === 0) return "";
  const lines = outdated.map(({ node, why }) => `  ${node}: ${why.join(", ")}`);
  const first = outdated[0]?.node ?? "";
  return `These were given a config that is out of date (npx wireguard-mesh qr ${first}, or config ${first}):\n${lines.join("\n")}`;
}

/** Null for what nobody of ours wrote. */
function readDelivery(value: unknown): Delivery | null {
  if (!isMap(value) || typeof value["config"] !== "string") return null;
  const knows = isMap(value["knows"]) ? value["knows"] : {};
  const keys = Object.entries(knows).flatMap(([name, key]) =>
    typeof key === "string" ? [[name, key] as const] : [],
  );
  return { config: value["config"], knows: Object.fromEntries(keys) };
}
