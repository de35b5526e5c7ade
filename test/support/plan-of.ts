/** The plan of a raw network that is right. */
import assert from "node:assert/strict";
import { formatIssues } from "../../mesh/config/issue";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh } from "../../mesh/mesh";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { TODAY } from "./networks";

/** Fails the test with the issues' text where the network is wrong after all. */
export function planOf(raw: RawConfig): Plan {
  const { plan, issues } = readMesh(raw, TODAY);
  const errors = issues.filter((issue) => issue.severity === "error");
  assert.ok(plan !== null && errors.length === 0, formatIssues(issues));
  return plan;
}

export function nodeIn(plan: Plan, name: string): NodePlan {
  const node = plan.nodes.find((candidate) => candidate.name === name);
  assert.ok(node, `no node ${name}`);
  return node;
}
