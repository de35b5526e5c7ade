/** What all commands have in common: help, output, exit codes. */
import { Command } from "commander";

/** 0: done. 1: findings, or it failed. 2: called wrongly. */
export type ExitCode = 0 | 1 | 2;

/** Options that every command has. */
export interface CommonOptions {
  json?: true;
  stack?: string;
}

export interface Description {
  /** One sentence. */
  says: string;
  /** Command lines, without `npx`. */
  examples: string[];
}

/** A command with --help and --json. */
export function newCommand(usage: string, { says, examples }: Description): Command {
  const lines = examples.map((example) => `  npx wireguard-mesh ${example}`).join("\n");
  const command = new Command(usage.split(" ")[0])
    .description(says)
    .summary(says.split(/[.:] /)[0] ?? says);
  for (const argument of usage.split(" ").slice(1)) command.argument(argument);
  return command
    .option("--json", "print the result as JSON on stdout")
    .addHelpText("after", `\n${examples.length === 1 ? "Example" : "Examples"}:\n${lines}`)
    .exitOverride()
    .showHelpAfterError(`(npx wireguard-mesh ${usage.split(" ")[0] ?? ""} --help tells more)`);
}

export const STACK_OPTION = [
  "-s, --stack <name>",
  "the stack; default: PULUMI_STACK, else the selected one",
] as const;

/** For options that may be given several times. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** For options that take a list with commas, several times too. */
export function collectList(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...value.split(",").map((item) => item.trim())];
}

/** The result: JSON for machines, text for people; on stdout. */
export function print(options: CommonOptions, json: unknown, text: string): void {
  const out = options.json === true ? JSON.stringify(json, null, 2) : text;
  if (out !== "") process.stdout.write(out.endsWith("\n") ? out : `${out}\n`);
}

/** Talk: on stderr, so that a result on stdout can be piped on. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
