/** `preview`: what `up` would change, line by line. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { runWithEvents } from "../stack/engine-run";
import { openStack } from "../stack/open-stack";

export function previewCommand(): Command {
  return newCommand("preview [flags...]", {
    description:
      "Show what `up` would change: for each machine the lines of its WireGuard config, secrets as [secret] or (hidden), and which nodes can reach each other. It is `pulumi preview --diff`; its other flags may follow after --.",
    examples: ["preview", "preview --stack home -- --expect-no-changes"],
  })
    .option(...STACK_OPTION)
    .option("--non-interactive", "do not ask anything")
    .action(preview);
}

interface PreviewOptions extends CommonOptions {
  nonInteractive?: true;
}

async function preview(flags: string[], options: PreviewOptions): Promise<void> {
  const args = [
    ...["preview", "--diff", "--show-full-output"],
    ...(options.nonInteractive === true ? ["--non-interactive"] : []),
    ...flags,
  ];
  const out = options.json === true ? "stderr" : "stdout";
  const stack = openStack(options.stack);
  stack.refuseMisread();
  const { exitCode, failed, changes } = await runWithEvents(stack, args, out);
  process.exitCode = exitCode === 0 ? 0 : 1;
  if (options.json === true) print(options, { ok: exitCode === 0, exitCode, failed, changes }, "");
}
