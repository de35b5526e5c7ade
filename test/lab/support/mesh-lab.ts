/** Builds a scenario's world and creates its stack, ready to converge, under a test's own lab id. */
import { Lab } from "../../../scripts/lab/lab";
import type { CommandResult } from "../../../scripts/lab/process";
import type { ScenarioConfig, Scenario } from "../../../scripts/lab/scenario";
import { createStack } from "../../../scripts/lab/stack";
import type { LabStack } from "../../../scripts/lab/stack";

const LIMIT_MS = 300_000;

export interface MeshLab {
  lab: Lab;
  stack: LabStack;
  /** Runs the engine's CLI on the operator, non-interactively. */
  pulumi: (...args: string[]) => Promise<CommandResult>;
}

/** `adapt` changes the scenario's config. Remove it with `lab.down()`, which also deletes the stack file. */
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
