/** The lab command: `npm run lab`, and after `--`: `status`, `down`, `exec NODE COMMAND…`. */
import { Command, CommanderError } from "commander";
import { cleanUp } from "./clean-up";
import { Lab, requireRoot } from "./lab";
import { exitCode } from "./process";
import { finishedLabs } from "./state";
import { listing, scenarioNamed, scenarios } from "./scenarios";
import type { Scenario } from "./scenario";
import { logTo } from "./log";
import { runScenario } from "./run-scenario";
import { LabError, UsageError } from "./world";

const FINDINGS = 1;
const USAGE = 2;
const JSON_OPTION = "print the result as JSON on stdout and the log on stderr";

/** Aborted by SIGINT and SIGTERM; errors after that follow from the clean-up and are not reported. */
const interruption = new AbortController();

interface Options {
  json?: boolean;
  scenario?: string;
}

function lab(): Command {
  const command = new Command("npm run lab --")
    .description("Build a network to try the mesh in: hosts in network namespaces, real engine.")
    .argument("[scenario]", "which network", scenarios[0]?.name)
    .option("--json", JSON_OPTION)
    .addHelpText("after", `\nScenarios:\n${listing()}`)
    .enablePositionalOptions()
    .exitOverride()
    .action((name: string, options: Options) => up(scenarioNamed(name), options));
  command
    .command("down [scenario...]")
    .description("end these scenarios (default: all)")
    .option("--json", JSON_OPTION)
    .action((names: string[], _: Options, self: Command) => down(names, self.optsWithGlobals()));
  command
    .command("status [scenario]")
    .description("which labs are up, and the state of their tunnels")
    .option("--json", JSON_OPTION)
    .action((name: string | undefined, _: Options, self: Command) =>
      status(name, self.optsWithGlobals()),
    );
  command
    .command("exec <node> <command...>")
    .description("run a command on a node; the engine runs on operator")
    .option("--scenario <name>", "which lab, if several are up (default: the latest)")
    .option("--json", JSON_OPTION)
    .passThroughOptions()
    .action((node: string, argv: string[], _: Options, self: Command) =>
      exec(node, argv, self.optsWithGlobals()),
    );
  return command;
}

async function up(scenario: Scenario, { json }: Options): Promise<void> {
  requireRoot();
  endWhenInterrupted(scenario.name);
  const result = await runScenario(scenario, logTo(json === true ? "stderr" : "stdout"));
  if (json === true) print(result);
  process.exitCode = result.ok ? 0 : FINDINGS;
}

async function down(names: string[], { json }: Options): Promise<void> {
  requireRoot();
  const wanted = names.length > 0 ? names.map(scenarioNamed) : scenarios;
  const log = logTo(json === true ? "stderr" : "stdout");
  const ended: string[] = [];
  for (const { name } of wanted) {
    if (await Lab.down(name)) ended.push(name);
  }
  log.info(ended.length > 0 ? `Ended: ${ended.join(", ")}` : "No lab was up.");
  if (json === true) print({ ok: true, ended });
}

/** `wireguard-mesh status` of each lab that is up, or of one. */
async function status(name: string | undefined, { json }: Options): Promise<void> {
  requireRoot();
  const wanted = name === undefined ? scenarios : [scenarioNamed(name)];
  const up = finishedLabs().filter((id) => wanted.some((scenario) => scenario.name === id));
  const log = logTo(json === true ? "stderr" : "stdout");
  if (up.length === 0) log.info("No lab is up. Start one: npm run lab");
  const labs: { lab: string; nodes: string[]; code: number; stdout: string }[] = [];
  for (const found of up.map((id) => Lab.open(id))) {
    log.heading(`The lab "${found.id}", built at ${found.builtAt}: ${found.nodes.join(", ")}`);
    const { code, stdout, stderr } = await found.exec("operator", STATUS);
    log.info(`${stdout}${stderr}`.trimEnd());
    labs.push({ lab: found.id, nodes: found.nodes, code, stdout });
  }
  const ok = labs.every(({ code }) => code === 0);
  process.exitCode = ok ? 0 : FINDINGS;
  if (json === true) print({ ok, labs });
}

const STATUS = ["npx", "wireguard-mesh", "status"];

async function exec(node: string, argv: string[], options: Options): Promise<void> {
  requireRoot();
  const found = options.scenario === undefined ? labWith(node) : Lab.open(options.scenario);
  if (options.json === true) {
    const finished = await found.exec(node, argv);
    print({ lab: found.id, node, command: argv, ...finished });
    process.exitCode = finished.code;
    return;
  }
  // The terminal sends Ctrl-C to the command as well; this process stays to return its exit code.
  process.on("SIGINT", () => undefined);
  process.exitCode = await exitCode(found.spawn(node, argv, { stdio: "inherit" }));
}

/** The most recently built lab with this node. */
function labWith(node: string): Lab {
  const ids = finishedLabs().filter((id) => scenarios.some(({ name }) => name === id));
  const labs = ids.map((id) => Lab.open(id)).sort((a, b) => b.builtAt.localeCompare(a.builtAt));
  const found = labs.find((one) => one.nodes.includes(node));
  if (found !== undefined) return found;
  if (labs.length === 0) throw new LabError("No lab is up. Start one: npm run lab");
  const nodes = labs.map((one) => `  ${one.id}: ${one.nodes.join(", ")}`).join("\n");
  throw new UsageError(`No lab has a node ${JSON.stringify(node)}. There are:\n${nodes}`);
}

/** Removes the half-built lab on SIGINT and SIGTERM. */
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

/** Prints the error; returns the exit code. */
function printError(error: unknown, json: boolean): number {
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
    if (!interruption.signal.aborted) process.exitCode = printError(error, json);
  }
}

void main();
