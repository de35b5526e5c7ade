/** `repush`: undoes what was changed by hand on hosts. */
import type { Command } from "commander";
import pc from "picocolors";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { failedLine } from "../cli/report-text";
import { Failure } from "../stack/failure";
import { openStack } from "../stack/open-stack";
import { pushAgain, type RepushResult } from "../stack/push-again";
import { recordedRounds } from "../stack/recorded-pushes";

interface RepushOptions extends CommonOptions {
  all?: true;
  force?: true;
}

export function repushCommand(): Command {
  return newCommand("repush [nodes...]", {
    description:
      "Undo what was changed by hand on hosts, or what a snapshot brought back: each is sent the config of the last `up` again. It does not run the engine, whose next run has nothing to do. A host that has confirmed a newer config is left alone.",
    examples: ["repush desktop", "repush --all", "repush desktop --force"],
  })
    .option(...STACK_OPTION)
    .option("-a, --all", "every host of the network")
    .option("-y, --yes", "accepted for scripts: repush asks nothing")
    .option("--force", "also if the named hosts have confirmed another config than the last `up`")
    .action(repush);
}

async function repush(names: string[], options: RepushOptions): Promise<void> {
  if ((options.all === true) === names.length > 0) {
    throw new Failure("which hosts?", "name them, or use --all", 2);
  }
  if (options.all === true && options.force === true) {
    throw new Failure("--force is for single hosts", "name them instead of --all", 2);
  }
  const stack = openStack(options.stack);
  const rounds = await recordedRounds(stack, stack.filePlan(), options.all === true ? null : names);
  const nodes = await pushAgain(rounds, { force: options.force === true });
  const ok = nodes.every(({ outcome }) => outcome !== "failed");
  process.exitCode = ok ? 0 : 1;
  print(options, { ok, nodes }, nodes.map(lineOf).join("\n"));
}

function lineOf({ node, outcome, through, reason, wasSetBack }: RepushResult): string {
  switch (outcome) {
    case "applied": {
      const why = wasSetBack ? ": it had been set back to an older config" : "";
      return `${pc.green("fixed:")} ${node} (${through ?? ""})${why}`;
    }
    case "unchanged":
      return `${node} is as planned (${through ?? ""})`;
    case "failed":
      return failedLine(node, reason ?? "");
  }
}
