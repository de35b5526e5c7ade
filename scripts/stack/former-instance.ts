/** Finds an unfinished replacement of an EC2 relay: the former instance serves until the push to the new one succeeds. */
import type { Plan } from "../../mesh/plan/plan";
import { queryStack } from "./engine";
import { formerResourcesInState } from "./engine-record";
import type { StackRef } from "./project";

/**
 * Whether the state still has an instance that the engine will delete. It would do so even if the push fails again, unless it
 * stops at the first failure.
 */
export async function hasFormerInstance(stack: StackRef, { nodes }: Plan): Promise<boolean> {
  if (nodes.every(({ ec2 }) => ec2 === null)) return false;
  const state = await queryStack(stack, ["stack", "export"], "the stack's state");
  return formerResourcesInState(state).some(({ type }) => type === "aws:ec2/instance:Instance");
}
