/** All scenarios; the first one is the default. */
import { UsageError } from "../world";
import type { Scenario } from "../scenario";
import { ec2 } from "./ec2";
import { quickstart } from "./quickstart";
import { relay } from "./relay";

export const scenarios: readonly Scenario[] = [relay, quickstart, ec2];

/** @throws UsageError that lists the scenarios. */
export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name);
  if (found === undefined) {
    throw new UsageError(`There is no scenario ${JSON.stringify(name)}. There are:\n${listing()}`);
  }
  return found;
}

/** One line for each scenario. */
export function listing(): string {
  return scenarios.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join("\n");
}
