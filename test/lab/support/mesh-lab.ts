/** A scenario's world with its stack ready to be converged, under an id of the test's own. */
import { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import type { ScenarioConfig, Scenario } from "../../../scripts/lab/scenario";
import { createStack } from "../../../scripts/lab/stack";
import type { LabStack } from "../../../scripts/lab/stack";

const LIMIT_MS = 300_000;

export interface MeshLab {
  lab: Lab;
  stack: LabStack;
  /** Runs the engine on the operator, in the repository, without questions. */
  pulumi: (...args: string[]) => Promise<CommandResult>;
}

/** The config defaults to the scenario's own. End it with `lab.down()`; the stack file goes with it. */
export async function meshLab(
  scenario: Pick<Scenario, "world" | "config">,
  id: string,
  adapt: (config: ScenarioConfig) => ScenarioConfig = (config) => config,
): Promise<MeshLab> {
  const lab = await Lab.up(scenario.world, { id });
  const stack = await createStack(lab, adapt(scenario.config(lab)));
  const pulumi = (...args: string[]): Promise<CommandResult> =>
    lab.exec("operator", ["pulumi", ...args, "--non-interactive"], { timeoutMs: LIMIT_MS });
  return { lab, stack, pulumi };
}
