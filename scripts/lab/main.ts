/** The lab's command: `npm run lab`, `npm run lab -- down`, `npm run lab -- exec NODE COMMAND…`. */
import { Command, CommanderError } from "commander";
import { cleanUp } from "./clean-up";
import { Lab, needRoot } from "./lab";
import { exitCode } from "./process";
import { finishedLabs } from "./state";
import { listing, scenarioNamed, scenarios } from "./scenarios";
import type { Scenario } from "./scenario";
import { talkOn } from "./talk";
import { tour } from "./tour";
import { LabError, UsageError } from "./world";

const FINDINGS = 1;
const USAGE = 2;
const JSON_OPTION = "the result as JSON on stdout, all talk on stderr";

/** From then on failures are only its consequences. */
const interruption = new AbortController();

interface Options {
  json?: boolean;
  scenario?: string;
}

function lab(): Command {
  const command = new Command("npm run lab --")
    .description("A network of your own to try the mesh in: real hosts as namespaces, real engine.")
    .argument("[scenario]", "which network", scenarios[0]?.name)
    .option("--json", JSON_OPTION)
    .addHelpText("after", `\nScenarios:\n${listing()}`)
    .enablePositionalOptions()
    .exitOverride()
    .action((name: string, options: Options) => up(scenarioNamed(name), options));
  command
    .command("down [scenario...]")
    .description("end these scenarios, by default all")
    .option("--json", JSON_OPTION)
    .action((names: string[], _: Options, self: Command) => down(names, self.optsWithGlobals()));
  command
    .command("exec <node> <command...>")
    .description("run a command on a node, as it stands; operator is where the engine runs")
    .option("--scenario <name>", "which lab, when several are up; by default the latest")
    .option("--json", JSON_OPTION)
    .passThroughOptions()
    .action((node: string, argv: string[], _: Options, self: Command) =>
      exec(node, argv, self.optsWithGlobals()),
    );
  return command;
}

async function up(scenario: Scenario, { json }: Options): Promise<void> {
  needRoot();
  endWhenInterrupted(scenario.name);
  const result = await tour(scenario, talkOn(json === true ? "stderr" : "stdout"));
  if (json === true) print(result);
  process.exitCode = result.ok ? 0 : FINDINGS;
}

async function down(names: string[], { json }: Options): Promise<void> {
  needRoot();
  const wanted = names.length > 0 ? names.map(scenarioNamed) : scenarios;
  const talk = talkOn(json === true ? "stderr" : "stdout");
  const ended: string[] = [];
  for (const { name } of wanted) {
    if (await Lab.down(name)) ended.push(name);
  }
  talk.say(ended.length > 0 ? `Ended: ${ended.join(", ")}` : "No lab was up.");
  if (json === true) print({ ok: true, ended });
}

async function exec(node: string, argv: string[], options: Options): Promise<void> {
  needRoot();
  const found = options.scenario === undefined ? labWith(node) : Lab.open(options.scenario);
  if (options.json === true) {
    const finished = await found.exec(node, argv);
    print({ lab: found.id, node, command: argv, ...finished });
    process.exitCode = finished.code;
    return;
  }
  // A terminal's Ctrl-C reaches the command by itself; this process has to stay and pass its exit code on.
  process.on("SIGINT", () => undefined);
  process.exitCode = await exitCode(found.spawn(node, argv, { stdio: "inherit" }));
}

/** The lab that was built last among those that have such a node. */
function labWith(node: string): Lab {
  const known = finishedLabs().filter((id) => scenarios.some(({ name }) => name === id));
  const all = known.map((id) => Lab.open(id)).sort((a, b) => b.builtAt.localeCompare(a.builtAt));
  const found = all.find((one) => one.nodes.includes(node));
  if (found !== undefined) return found;
  if (all.length === 0) throw new LabError("No lab is up. Start one: npm run lab");
  const nodes = all.map((one) => `  ${one.id}: ${one.nodes.join(", ")}`).join("\n");
  throw new UsageError(`No lab has a node ${JSON.stringify(node)}. There are:\n${nodes}`);
}

/** Half a lab is of no use to anybody. */
function endWhenInterrupted(id: string): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      interruption.abort();
      process.stderr.write("\nInterrupted: taking the lab down.\n");
      void cleanUp(id).finally(() => process.exit(signal === "SIGINT" ? 130 : 143));
    });
  }
}

function print(result: unknown): void {
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
}

/** Reports what went wrong; returns the exit code. */
function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`${error.message}\n`);
  if (json) print({ ok: false, error: error.message });
  return error instanceof UsageError ? USAGE : FINDINGS;
}

async function main(): Promise<void> {
  const command = lab();
  try {
    await command.parseAsync();
  } catch (error) {
    const json = [command, ...command.commands].some((one) => one.opts<Options>().json === true);
    if (!interruption.signal.aborted) process.exitCode = report(error, json);
  }
}

void main();
