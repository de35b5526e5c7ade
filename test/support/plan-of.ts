/** The plan of a valid raw network. */
import assert from "node:assert/strict";
import { formatIssues } from "../../mesh/config/issue";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh } from "../../mesh/mesh";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { TODAY } from "./networks";

/** Fails with the text of the issues if the network has an error. */
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
