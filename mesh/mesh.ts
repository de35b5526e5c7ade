/** From raw config to a plan and its issues: the entry point of the program, the commands and the tests. */
import type { Issue } from "./config/issue";
import type { RawConfig } from "./config/read-draft";
import { validateConfig } from "./config/validate";
import { planIssues } from "./plan/plan-issues";
import { planMesh, type Plan } from "./plan/plan";

export interface Mesh {
  /** Null if the config has an error; issues of the plan itself leave it set. */
  plan: Plan | null;
  /** All errors and warnings. */
  issues: Issue[];
}

/** `now` is in milliseconds since 1970; a node whose `expires` is earlier is left out. */
export function readMesh(raw: RawConfig, now: number): Mesh {
  const { config, issues } = validateConfig(raw, now);
  if (config === null) return { plan: null, issues };
  const plan = planMesh(config);
  return { plan, issues: [...issues, ...planIssues(plan, config)] };
}
