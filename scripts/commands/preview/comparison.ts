/** A preview without the engine: the stack file beside the stack's state, or beside another version of the file. */
import { readFileSync } from "node:fs";
import type { Issue } from "../../../mesh/config/issue";
import { formatIssues, hasErrors } from "../../../mesh/config/issue";
import { readMesh } from "../../../mesh/mesh";
import { outdatedDeliveries, type Outdated } from "../../../mesh/render/delivery";
import { NOTHING, recordOf, type NetworkRecord } from "../../../mesh/review/record";
import { devicesIn, reviewOf, type Review } from "../../../mesh/review/review";
import { withTunnelLines } from "../../../mesh/review/tunnel-moves";
import { queryStack } from "../../stack/engine";
import { recordFrom, resourcesInState } from "../../stack/engine-record";
import { Failure } from "../../stack/failure";
import type { OpenStack } from "../../stack/open-stack";
import { readConfig } from "../../stack/stack-file";

export interface Comparison {
  stack: string;
  review: Review;
  /** Nodes without a host that need a config because of the change. */
  devices: Outdated[];
  warnings: Issue[];
}

/** `from`: a stack file, `-` for stdin; undefined for the stack's state, which the engine returns without a passphrase. */
export async function comparison(stack: OpenStack, from: string | undefined): Promise<Comparison> {
  // The file's own plan: with the outputs, the same edit would be compared in another way by another person.
  const plan = stack.filePlan();
  const before = from === undefined ? await recordedState(stack) : recordIn(from);
  const review = withTunnelLines(reviewOf(before, recordOf(plan)), plan);
  const delivered = outdatedDeliveries(plan, stack.config["delivered"]);
  const known = new Set(delivered.map(({ node }) => node));
  const changed = devicesIn(review).filter(({ node }) => !known.has(node));
  const warnings = stack.mesh.issues.filter(({ severity }) => severity === "warning");
  return { stack: stack.name, review, devices: [...delivered, ...changed], warnings };
}

async function recordedState(stack: OpenStack): Promise<NetworkRecord> {
  const state = await queryStack(stack, ["stack", "export"], "the stack's state");
  return recordFrom(resourcesInState(state));
}

function recordIn(file: string): NetworkRecord {
  const text = read(file);
  // The first version of a file has nothing to compare with.
  if (text.trim() === "") return NOTHING;
  const { plan, issues } = readMesh(readConfig(text, file), Date.now());
  if (plan !== null && !hasErrors(issues)) return recordOf(plan);
  throw new Failure(`${file} has mistakes:\n${formatIssues(issues)}`, "give a version without");
}

function read(file: string): string {
  try {
    return readFileSync(file === "-" ? 0 : file, "utf8");
  } catch (error) {
    throw new Failure(
      `cannot read ${file}: ${error instanceof Error ? error.message : ""}`,
      null,
      2,
    );
  }
}
