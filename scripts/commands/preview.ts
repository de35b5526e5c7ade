/** `preview`: what `up` would do, line by line. */
import type { Command } from "commander";
import { findStack } from "../stack/project";
import { runWithEvents } from "../stack/engine-run";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "./command";

export function previewCommand(): Command {
  return newCommand("preview [flags...]", {
    says: "Show what `up` would change: for each machine the lines of its WireGuard config, secrets as [secret] or (hidden), and who reaches whom. It is `pulumi preview --diff`; its other flags may follow after --.",
    examples: ["preview", "preview --stack home -- --expect-no-changes"],
  })
    .option(...STACK_OPTION)
    .option("--non-interactive", "ask nothing")
    .action(preview);
}

interface PreviewOptions extends CommonOptions {
  nonInteractive?: true;
}

async function preview(flags: string[], options: PreviewOptions): Promise<void> {
  const stack = findStack(options.stack);
  const args = [
    ...["preview", "--diff", "--show-full-output"],
    ...(options.nonInteractive === true ? ["--non-interactive"] : []),
    ...flags,
  ];
  const run = await runWithEvents(stack, args, options.json === true ? "stderr" : "stdout");
  const { exitCode, failed, changes } = run;
  process.exitCode = exitCode === 0 ? 0 : 1;
  if (options.json === true) print(options, { ok: exitCode === 0, exitCode, failed, changes }, "");
}
