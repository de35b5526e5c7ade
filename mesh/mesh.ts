/** From raw config to a reviewed plan: the one entry for the program, the commands and the tests. */
import type { Issue } from "./config/issue";
import type { RawConfig } from "./config/read-draft";
import { validateConfig } from "./config/validate";
import { planIssues } from "./plan/plan-issues";
import { planMesh, type Plan } from "./plan/plan";

export interface Mesh {
  /** Null where the config is too wrong to plan from. */
  plan: Plan | null;
  /** All that is wrong, errors and warnings, in the order of the config. */
  issues: Issue[];
}

/** `now`: milliseconds since 1970, against which `expires` is read. */
export function readMesh(raw: RawConfig, now: number): Mesh {
  const { config, issues } = validateConfig(raw, now);
  if (config === null) return { plan: null, issues };
  const plan = planMesh(config);
  return { plan, issues: [...issues, ...planIssues(plan, config)] };
}
