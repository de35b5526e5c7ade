/** The possible words of a command line, from the definitions of the commands. */
import type { Argument, Command, Option } from "commander";

/** Completions of a value: names, files, fixed words, or none. */
export type Kind = "nodes" | "stacks" | "files" | "nothing" | readonly string[];

export interface OptionWords {
  /** E.g. `-s` and `--stack`. */
  flags: string[];
  /** Null: it takes no value. */
  value: Kind | null;
  text: string;
}

export interface CommandWords {
  name: string;
  text: string;
  options: OptionWords[];
  /** By position. */
  args: Kind[];
  /** The kind of all further positions. */
  rest: Kind;
}

export function wordsOf(commands: readonly Command[]): CommandWords[] {
  return commands.map((command) => {
    const args = command.registeredArguments.map(kindOfArgument);
    const isVariadic = command.registeredArguments.at(-1)?.variadic === true;
    return {
      name: command.name(),
      text: command.summary(),
      options: [...command.options.filter(({ hidden }) => !hidden).map(optionWords), HELP],
      args,
      rest: isVariadic ? (args.at(-1) ?? "nothing") : "nothing",
    };
  });
}

/** Commander adds it to every command, outside of its options. */
const HELP: OptionWords = {
  flags: ["-h", "--help"],
  value: null,
  text: "display help for command",
};

function optionWords(option: Option): OptionWords {
  const { short, long, required, optional, argChoices, description } = option;
  const [, placeholder = ""] = /[<[](.*?)(?:\.\.\.)?[>\]]/.exec(option.flags) ?? [];
  const kind = argChoices ?? (long === "--stack" ? "stacks" : kindNamed(placeholder));
  return {
    flags: [short, long].flatMap((flag) => flag ?? []),
    value: required || optional ? kind : null,
    text: description,
  };
}

function kindOfArgument(argument: Argument): Kind {
  return argument.argChoices ?? kindNamed(argument.name());
}

/** Maps the placeholder in the help to a kind of completion. */
function kindNamed(placeholder: string): Kind {
  if (/^(nodes?|hosts|from|to)$/.test(placeholder)) return "nodes";
  return /^(files?|folder)$/.test(placeholder) ? "files" : "nothing";
}

/** The path of the command below the current folder or the nearest folder above it that has this file, as npx finds it. */
export const PROGRAM_PATH = "node_modules/.bin/wireguard-mesh";
