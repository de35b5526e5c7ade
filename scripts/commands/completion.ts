/** `completion`: completion of command lines in the user's shell. */
import { Argument, InvalidArgumentError, type Command } from "commander";
import { NAME } from "../../mesh/config/patterns";
import { isMap } from "../../mesh/config/shape-issues";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { openStack } from "../stack/open-stack";
import { stackNames } from "../stack/project";
import { bashScript } from "./completion/bash";
import { fishScript } from "./completion/fish";
import { wordsOf } from "./completion/words";
import { zshScript } from "./completion/zsh";

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };
type Shell = keyof typeof SCRIPTS;

/** Arguments that the completion scripts use. */
type Names = "nodes" | "stacks";

export function completionCommand(): Command {
  return newCommand("completion", {
    description:
      "Print a script that completes commands, options, nodes and stacks in bash, zsh or fish, for `npx wireguard-mesh` and for `wireguard-mesh`. For names it runs `completion nodes` and `completion stacks`, which read the stack files without the passphrase.",
    examples: [
      "completion bash > ~/.wireguard-mesh-completion.bash   # in ~/.bashrc: source it",
      "completion zsh > ~/.wireguard-mesh-completion.zsh     # in ~/.zshrc, after compinit: source it",
      "completion fish > ~/.config/fish/conf.d/wireguard-mesh.fish",
    ],
  })
    .addArgument(new Argument("<shell>", "which shell").choices(SHELLS).argParser(shellOrNames))
    .option(...STACK_OPTION)
    .action(completion);
}

const SHELLS = Object.keys(SCRIPTS);

/** `nodes` and `stacks` are not among the choices in the help, because only the scripts use them. */
function shellOrNames(text: string): string {
  if ([...SHELLS, "nodes", "stacks"].includes(text)) return text;
  throw new InvalidArgumentError(`It is one of ${SHELLS.join(", ")}.`);
}

function completion(what: Shell | Names, options: CommonOptions, self: Command): void {
  if (what === "nodes" || what === "stacks") {
    const names = what === "nodes" ? nodeNames(options) : stackNames();
    print(options, { [what]: names }, names.join("\n"));
    return;
  }
  const script = SCRIPTS[what](wordsOf(self.parent?.commands ?? []));
  print(options, { shell: what, script }, script);
}

/** Works for a file with mistakes too. Leaves out invalid names, because bash would run a `$(…)` in them. */
function nodeNames({ stack }: CommonOptions): string[] {
  const { relays, peers } = openStack(stack).configSoFar;
  return [relays, peers]
    .flatMap((nodes) => (isMap(nodes) ? Object.keys(nodes) : []))
    .filter((name) => NAME.test(name));
}
