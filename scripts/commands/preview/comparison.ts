/** Compares the stack file with the state, or with another version of the file, without running `pulumi preview`. */
import type { Issue } from "../../../mesh/config/issue";
import { outdatedDeliveries, type Outdated } from "../../../mesh/render/delivery";
import { recordOf } from "../../../mesh/review/record";
import { devicesIn, reviewOf, type Review } from "../../../mesh/review/review";
import { withTunnelLines } from "../../../mesh/review/tunnel-moves";
import { formerNetwork } from "../../stack/former-network";
import type { OpenStack } from "../../stack/open-stack";

export interface Comparison {
  stack: string;
  review: Review;
  /** Nodes without a host that need a config because of the change. */
  devices: Outdated[];
  warnings: Issue[];
}

/** `from`: see formerNetwork. */
export async function comparison(stack: OpenStack, from: string | undefined): Promise<Comparison> {
  // Without the outputs, so that the result depends only on the file.
  const plan = stack.filePlan();
  const before = await formerNetwork(stack, from);
  const review = withTunnelLines(reviewOf(before, recordOf(plan)), plan);
  const delivered = outdatedDeliveries(plan, stack.config["delivered"]);
  const known = new Set(delivered.map(({ node }) => node));
  const changed = devicesIn(review).filter(({ node }) => !known.has(node));
  const warnings = stack.mesh.issues.filter(({ severity }) => severity === "warning");
  return { stack: stack.name, review, devices: [...delivered, ...changed], warnings };
}
