/** `preview`: shows what `up` would change in the network. */
import { InvalidArgumentError, type Command } from "commander";
import { failuresText, runText } from "../cli/reviewer";
import { joinBlocks, newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { log } from "../log";
import { Failure } from "../stack/failure";
import { openStack } from "../stack/open-stack";
import { previewQuietly } from "../stack/reviewed-run";
import { comparison } from "./preview/comparison";
import { comparisonText } from "./preview/comparison-text";
import { reviewMarkdown } from "./preview/review-markdown";

const FORMATS = ["text", "markdown"] as const;

interface PreviewOptions extends CommonOptions {
  diff?: true;
  format?: (typeof FORMATS)[number];
  from?: string;
  nonInteractive?: true;
}

export function previewCommand(): Command {
  return newCommand("preview [flags...]", {
    description:
      "Show what `up` would change: host by host, the paths gained and lost, the tunnels that restart, and the devices that need a new config. It runs `pulumi preview`, whose other flags may follow after --. With --format markdown or --from it does not run `pulumi preview`, but compares the stack file with the state, or with the file of --from; that needs neither the passphrase nor the hosts.",
    examples: [
      "preview",
      "preview --diff",
      "preview --stack home -- --expect-no-changes",
      "preview --format markdown   # for a pull request",
      "git show main:Pulumi.home.yaml | npx wireguard-mesh preview --from - --format markdown",
    ],
  })
    .option(...STACK_OPTION)
    .option(
      "-d, --diff",
      "also the engine's own diff: each WireGuard file and nftables table line by line",
    )
    .option("--format <format>", "text (default) or markdown, which holds no secret", format)
    .option("--from <file>", "compare with this stack file in place of the state; - is stdin")
    .option("--non-interactive", "accepted for scripts: a preview asks nothing")
    .action(preview);
}

function format(value: string): (typeof FORMATS)[number] {
  const found = FORMATS.find((name) => name === value);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`it is one of: ${FORMATS.join(", ")}.`);
}

async function preview(flags: string[], options: PreviewOptions): Promise<void> {
  if (options.format === "markdown" || options.from !== undefined) return compare(flags, options);
  const stack = openStack(options.stack);
  stack.refuseMisread();
  const run = await previewQuietly(stack, flags);
  const { exitCode, failed, changes, review, cloud } = run;
  process.exitCode = exitCode === 0 ? 0 : 1;
  const ran = failed.length === 0 || run.changes.length > 0;
  const { plan } = exitCode === 0 ? stack.mesh : { plan: null };
  const text = ran ? runText(run, plan) : "";
  const shown = options.diff === true ? joinBlocks([text, run.tree], "\n\n") : text;
  print(options, { ok: exitCode === 0, exitCode, failed, changes, review, cloud }, shown);
  if (failed.length > 0) log(failuresText(failed));
}

async function compare(flags: string[], options: PreviewOptions): Promise<void> {
  if (flags.length > 0 || options.diff === true)
    throw new Failure(
      "with --format markdown or --from, pulumi preview does not run, so its flags and --diff do not apply",
      "leave out --format and --from, or the other flags",
      2,
    );
  const found = await comparison(openStack(options.stack), options.from);
  process.exitCode = 0;
  const text = options.format === "markdown" ? reviewMarkdown(found) : comparisonText(found);
  print(options, { ok: true, ...found }, text);
}
