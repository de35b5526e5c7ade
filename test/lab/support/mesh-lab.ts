/** A scenario's world with its stack ready to be converged, under an id of the test's own. */
import { Lab } from "../../../scripts/lab/lab";
import type { Finished } from "../../../scripts/lab/process";
import type { MeshConfig, Scenario } from "../../../scripts/lab/scenario";
import { makeStack } from "../../../scripts/lab/stack";
import type { Stack } from "../../../scripts/lab/stack";

const LIMIT_MS = 300_000;

export interface MeshLab {
  lab: Lab;
  stack: Stack;
  /** Runs the engine on the operator, in the repository, without questions. */
  pulumi: (...args: string[]) => Promise<Finished>;
}

/** The config defaults to the scenario's own. End it with `lab.down()`; the stack file goes with it. */
export async function meshLab(
  scenario: Pick<Scenario, "world" | "config">,
  id: string,
  adapt: (config: MeshConfig) => MeshConfig = (config) => config,
): Promise<MeshLab> {
  const lab = await Lab.up(scenario.world, { id });
  const stack = await makeStack(lab, adapt(scenario.config(lab)));
  const pulumi = (...args: string[]): Promise<Finished> =>
    lab.exec("operator", ["pulumi", ...args, "--non-interactive"], { timeoutMs: LIMIT_MS });
  return { lab, stack, pulumi };
}
