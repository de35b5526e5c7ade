/** The bench command: `npm run bench`. It measures the mesh beside its rivals, in a lab of its own. Needs root. */
import { Command, CommanderError, InvalidArgumentError } from "commander";
import { cleanUp } from "../lab/clean-up";
import { requireRoot } from "../lab/lab";
import { LabError } from "../lab/world";
import { measurePushes } from "./pushes";
import { describeMachine, formatReport, targetsOf } from "./report";

const FINDINGS = 1;
const USAGE = 2;
const ID = "bench";

interface Options {
  hosts: number;
  rounds: number;
  json?: true;
}

function bench(): Command {
  return new Command("npm run bench --")
    .description(
      "Measure pushes to many hosts, beside ssh and Ansible; exit code 1: a target was missed.",
    )
    .option("--hosts <n>", "hosts beside the relay", between(1, 100), 50)
    .option("--rounds <n>", "how often each is measured", between(1, 100), 3)
    .option("--json", "print the result as JSON on stdout")
    .exitOverride()
    .action(measure);
}

async function measure({ hosts, rounds, json }: Options): Promise<void> {
  requireRoot();
  endWhenInterrupted();
  const machine = describeMachine();
  const table = await measurePushes({ hosts, rounds, id: ID, withAnsible: true });
  const targets = targetsOf(table);
  const result = { machine, pushes: table, targets };
  const text =
    json === true ? `${JSON.stringify(result, null, 2)}\n` : formatReport(table, machine);
  process.stdout.write(text);
  if (targets.some(({ met }) => !met)) process.exitCode = FINDINGS;
}

function between(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a number from ${least} to ${most}.`);
  };
}

function endWhenInterrupted(): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      process.stderr.write("\nInterrupted: taking the lab down.\n");
      void cleanUp(ID).finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
    });
  }
}

bench()
  .parseAsync()
  .catch((error: unknown) => {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : USAGE;
      return;
    }
    if (!(error instanceof LabError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = FINDINGS;
  });
