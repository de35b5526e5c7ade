/** A relay on EC2 whose replacement has not ended: its former instance serves until the new one is pushed to. */
import { isMap } from "../../mesh/config/shape-issues";
import type { Plan } from "../../mesh/plan/plan";
import { queryStack } from "./engine";
import type { StackRef } from "./project";

/**
 * Whether the state still has an instance that the engine is to delete. It would do so even if the push fails again, unless
 * it stops at the first failure.
 */
export async function hasFormerInstance(stack: StackRef, { nodes }: Plan): Promise<boolean> {
  if (nodes.every(({ ec2 }) => ec2 === null)) return false;
  const state: unknown = JSON.parse(
    await queryStack(stack, ["stack", "export"], "the stack's state"),
  );
  const deployment = isMap(state) ? state["deployment"] : undefined;
  const resources = isMap(deployment) ? deployment["resources"] : undefined;
  return (Array.isArray(resources) ? (resources as unknown[]) : []).some(
    (one) => isMap(one) && one["delete"] === true && one["type"] === "aws:ec2/instance:Instance",
  );
}
