/** Reports the issues of the config before any resource is registered. */
import * as pulumi from "@pulumi/pulumi";
import { formatIssues, hasErrors } from "../mesh/config/issue";
import type { Mesh } from "../mesh/mesh";
import type { Plan } from "../mesh/plan/plan";

/** Returns the plan and logs warnings. With an error, throws a RunError, which the engine prints without a stack trace. */
export function reportIssues({ plan, issues }: Mesh): Plan {
  const errors = issues.filter((issue) => issue.severity === "error").length;
  if (plan === null || hasErrors(issues)) {
    const count = errors === 1 ? "one mistake" : `${errors} mistakes`;
    throw new pulumi.RunError(
      `the config has ${count}; nothing was changed\n${formatIssues(issues)}`,
    );
  }
  for (const issue of issues)
    void pulumi.log.warn(`${issue.path}: ${issue.message}\n  ${issue.remedy}`);
  return plan;
}
