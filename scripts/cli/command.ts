/** Help, options and output that all commands share. Exit codes: 0 done, 1 findings or failure, 2 wrong usage. */
import { Command } from "commander";
import { writeOut } from "./stdout";

/** Options that every command has. */
export interface CommonOptions {
  json?: true;
  stack?: string;
}

interface Help {
  /** Its first sentence is the summary in the list of commands. */
  description: string;
  /** Command lines; `npx wireguard-mesh` is put before each that does not contain it. */
  examples: string[];
}

/** A command with --help and --json. `usage`: its name and arguments, `qr <node>`. */
export function newCommand(usage: string, { description, examples }: Help): Command {
  const [name = "", ...args] = usage.split(" ");
  const full = examples.map((example) =>
    example.includes("npx wireguard-mesh") ? example : `npx wireguard-mesh ${example}`,
  );
  const lines = indented(full);
  const command = new Command(name)
    .description(description)
    .summary(description.split(/[.:] /)[0] ?? description);
  for (const argument of args) command.argument(argument);
  return command
    .option("--json", "print the result as JSON on stdout")
    .addHelpText("after", `\n${examples.length === 1 ? "Example" : "Examples"}:\n${lines}`)
    .configureOutput({ writeOut })
    .exitOverride()
    .showHelpAfterError(`(see: npx wireguard-mesh ${name} --help)`);
}

export const STACK_OPTION = [
  "-s, --stack <name>",
  "the stack; default: PULUMI_STACK, else the selected one",
] as const;

/** Parses an option that may be repeated. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Parses an option that takes a list with commas and may be repeated. */
export function collectList(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), ...value.split(",").map((item) => item.trim())];
}

/** Prints the result on stdout: `json` with --json, else `text`. */
export function print(options: CommonOptions, json: unknown, text: string): void {
  const out = options.json === true ? JSON.stringify(json, null, 2) : text;
  if (out !== "") writeOut(out.endsWith("\n") ? out : `${out}\n`);
}

/** Blocks of text with `separator` between them; empty ones are left out. */
export function joinBlocks(blocks: readonly string[], separator = "\n"): string {
  return blocks.filter((block) => block !== "").join(separator);
}

/** Two spaces before every line. */
export function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join("\n");
}
