/** The bench command: `npm run bench`. It measures the mesh beside its rivals, in labs of its own. Needs root. */
import * as fs from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { cleanUp } from "../lab/clean-up";
import { requireRoot } from "../lab/lab";
import { LabError } from "../lab/world";
import { log } from "../log";
import { dataPlane } from "./data-plane";
import { disruption } from "./disruption";
import { isMet, type Figure } from "./figures";
import { handMadeBackend } from "./hand-made";
import { noChange } from "./no-change";
import { planSizes } from "./plan-sizes";
import { pushes } from "./pushes";
import { describeMachine, formatReport, type Report } from "./report";
import { scale } from "./scale";

const FINDINGS = 1;
const USAGE = 2;
const ID = "bench";

interface Options {
  only?: string[];
  hosts: number;
  peers: number;
  runs: number;
  out?: string;
  json?: true;
}

const SECTIONS: Record<string, (options: Options) => Promise<Figure[]>> = {
  "no-change": ({ hosts, runs }) => noChange({ hosts, runs, id: ID }),
  pushes: ({ hosts, runs }) => pushes({ hosts, rounds: runs, id: ID, withAnsible: true }),
  disruption: ({ runs }) => disruption({ runs, id: ID }),
  "data-plane": ({ peers, runs }) => dataPlane({ peers, runs, id: ID }),
  plan: ({ peers, runs }) => planSizes({ peers, runs, id: ID }),
  scale: ({ hosts, peers, runs }) => scale({ hosts, peers, runs, id: ID }),
};

function bench(): Command {
  const only = new Option("--only <section...>", "measure these sections");
  return new Command("npm run bench --")
    .description(
      "Measure the mesh beside its rivals, and print a table; exit code 1: a target was missed.",
    )
    .addOption(only.choices(Object.keys(SECTIONS)))
    .option("--runs <n>", "how often each is measured", between(1, 100), 5)
    .option("--hosts <n>", "hosts beside the relay", between(2, 100), 50)
    .option("--peers <n>", "peers of a large network", between(40, 5000), 1000)
    .option("--out <file>", "write the figures as JSON to this file")
    .option("--json", "print them as JSON on stdout")
    .exitOverride()
    .action(measure);
}

async function measure(options: Options): Promise<void> {
  requireRoot();
  endWhenInterrupted();
  const machine = describeMachine(handMadeBackend());
  const report: Report = { machine, runs: options.runs, figures: [] };
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (options.only !== undefined && !options.only.includes(name)) continue;
    log(`section ${name}`);
    report.figures.push(...(await figuresOrNone(name, () => section(options))));
    // After each section: a run takes long, and may be interrupted.
    if (options.out !== undefined) fs.writeFileSync(options.out, jsonText(report));
  }
  process.stdout.write(options.json === true ? jsonText(report) : formatReport(report));
  if (report.figures.some((figure) => isMet(figure) === false)) process.exitCode = FINDINGS;
}

/** Logs the failure of a section, so that the others are still measured. */
async function figuresOrNone(name: string, section: () => Promise<Figure[]>): Promise<Figure[]> {
  try {
    return await section();
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    log(`section ${name} was not measured: ${error.message}`);
    process.exitCode = FINDINGS;
    return [];
  }
}

function jsonText(report: Report): string {
  return `${JSON.stringify(report, null, 2)}\n`;
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
