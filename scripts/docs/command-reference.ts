/** docs/reference/commands.md: the `--help` of each command. */
import { Command } from "commander";

const NOTE = "<!-- Written by `npm run docs` from the commands' --help. Do not edit. -->";

export function commandReference(commands: readonly Command[]): string {
  const program = new Command("wireguard-mesh").enablePositionalOptions();
  for (const command of commands) program.addCommand(command);
  const list = commands.map((command) => {
    const name = command.name();
    return `- [\`${name}\`](#${name}): ${command.summary()}`;
  });
  return [
    NOTE,
    "# Reference: every command",
    "What `--help` of each command prints. [commands.md](../commands.md) says which of them does what.",
    list.join("\n"),
    ...commands.map((command) => `## ${command.name()}\n\n\`\`\`\n${helpOf(command)}\n\`\`\``),
  ].join("\n\n");
}

/** With the examples, which are added after the help. */
function helpOf(command: Command): string {
  const lines: string[] = [];
  command.configureOutput({
    writeOut: (text) => lines.push(text),
    getOutHelpWidth: () => 80,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return lines.join("").trim();
}
