/** Runs a command, and converts its result to an exit code and a message. */
import { Command, CommanderError } from "commander";
import pc from "picocolors";
import { Mistake } from "../../mesh/config/mistake";
import { log } from "../log";
import { Failure, withRemedy } from "../stack/failure";
import { flushOut, writeOut } from "./stdout";
import { checkNodeVersion } from "./node-version";
import { programVersion } from "./program-version";

/** Resolves to the exit code: 0, 1 or 2; for `ssh`, that of the remote command. Never rejects. */
export async function runProgram(commands: readonly Command[], args: string[]): Promise<number> {
  const program = new Command("wireguard-mesh")
    .description("Review the config of a WireGuard network, converge it with Pulumi, and check it.")
    .version(programVersion(), "-V, --version", "print the version")
    .helpCommand(false)
    // Options after the node in `ssh NODE COMMAND` belong to the command.
    .enablePositionalOptions()
    .configureOutput({ writeOut })
    .exitOverride();
  for (const command of commands) program.addCommand(command);
  const code = await outcomeOf(program, commands, args);
  try {
    await flushOut();
    return code;
  } catch (error) {
    return Math.max(code, report(error, false));
  }
}

async function outcomeOf(
  program: Command,
  commands: readonly Command[],
  args: string[],
): Promise<number> {
  try {
    checkNodeVersion(process.versions.node);
    process.exitCode = undefined;
    await program.parseAsync(withoutHelpOfUnknown(commands, args), { from: "user" });
    return exitCode();
  } catch (error) {
    return report(error, args.includes("--json"));
  }
}

/** Drops --help after an unknown command, for which commander would print the list of commands with exit code 0. */
function withoutHelpOfUnknown(commands: readonly Command[], args: string[]): string[] {
  const [name = "-"] = args;
  if (name.startsWith("-") || commands.some((command) => command.name() === name)) return args;
  return args.filter((arg) => arg !== "--help" && arg !== "-h");
}

/** A function, because the compiler narrows the property to the value that was assigned last. */
function exitCode(): number {
  return Number(process.exitCode ?? 0);
}

function report(error: unknown, json: boolean): number {
  if (error instanceof CommanderError) {
    // --help and --version have exit code 0; commander has printed them, and every error.
    if (error.exitCode === 0) return 0;
    if (json) printError(error.message.replace(/^error: /, ""), null);
    return 2;
  }
  const { message, remedy, exitCode } = error instanceof Failure ? error : failureOf(error);
  log(`${pc.red("error:")} ${withRemedy(message, remedy)}`);
  if (json) printError(message, remedy);
  return exitCode;
}

function printError(message: string, remedy: string | null): void {
  const details = { message, ...(remedy === null ? {} : { remedy }) };
  writeOut(`${JSON.stringify({ ok: false, error: details }, null, 2)}\n`);
}

/** A mistyped value is wrong usage (2); anything else, a full disk or a bug, is a failure (1). */
function failureOf(error: unknown): Failure {
  if (error instanceof Mistake) return new Failure(error.message, error.remedy, 2);
  return new Failure(error instanceof Error ? error.message : String(error));
}
