/** `up`: converges the network, then checks whether it works. */
import { InvalidArgumentError, type Command } from "commander";
import type { Outdated } from "../../mesh/render/delivery";
import {
  collectList,
  joinBlocks,
  newCommand,
  print as printResult,
  STACK_OPTION,
  type CommonOptions,
} from "../cli/command";
import { outdatedText, pendingText } from "../cli/report-text";
import { failuresText, terminalReviewer } from "../cli/reviewer";
import { checksText, upText } from "../cli/up-text";
import { log } from "../log";
import { checkHosts, NO_CHECKS, type HostChecks } from "../stack/check-hosts";
import { converge, type UpReport } from "../stack/converge";
import { outdatedDevices } from "../stack/device-config";
import { openStack, type OpenStack } from "../stack/open-stack";
import { findPendingKeys, type PendingKey } from "../stack/pending-keys";
import { stackFlag } from "../stack/project";

interface UpOptions extends CommonOptions {
  yes?: true;
  skipPreview?: true;
  nonInteractive?: true;
  check?: true;
  maxFailures?: number;
  canary?: string[];
}

export function upCommand(): Command {
  return newCommand("up [flags...]", {
    description:
      "Converge the network: push what changed to every host, list the devices that need a new config, and check the tunnels. It shows first what will change, and asks. It runs `pulumi up --continue-on-error`, whose other flags may follow after --, such as --parallel: how many hosts it pushes to at once, by default 20 or 4 for each processor here.",
    examples: [
      "up",
      "up --yes --skip-preview",
      "up --check",
      "up --canary nas",
      "up --stack home -- --refresh",
    ],
  })
    .option(...STACK_OPTION)
    .option("-y, --yes", "do not ask before it begins")
    .option("-f, --skip-preview", "do not show a preview first")
    .option("--non-interactive", "do not ask anything")
    .option(
      "--canary <hosts>",
      "push to this host first, or these (with commas), and to the rest only if its tunnels work",
      collectList,
    )
    .option("--max-failures <n>", "begin no further host after so many have failed", parseCount)
    .option("--check", "check every host first, and undo what was changed there by hand")
    .action(up);
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It is a number from 1 on.");
  return Number(text);
}

async function up(flags: string[], options: UpOptions): Promise<void> {
  const stack = openStack(options.stack);
  const checks = options.check === true ? await checkAll(stack) : NO_CHECKS;
  const out = options.json === true ? "stderr" : "stdout";
  const { plan } = stack.mesh;
  const { nonInteractive } = options;
  const print = (text: string) => void process[out].write(text);
  const reviewer = terminalReviewer({ print, plan, nonInteractive });
  const report = await converge(stack, { ...options, flags, out, reviewer, checks });
  process.exitCode = report.ok ? 0 : 1;
  if (report.failed.length > 0) log(failuresText(report.failed));
  const { pending, outdated, text } = await openTasks(stack);
  printResult(
    options,
    { ...report, pending, outdated },
    joinBlocks([upText(report, outdated), text, nextText(stack, report)]),
  );
}

/** The next steps, instead of the stack's outputs, which have several lines for each node. */
function nextText(stack: OpenStack, { exitCode, failed, waiting, planned }: UpReport): string {
  if (failed.length + waiting.length > 0)
    return "When that is fixed: npx wireguard-mesh up   # it does the rest";
  if (exitCode !== 0 || planned === 0) return "";
  const flag = stackFlag(stack);
  return [
    "Next:",
    `  npx wireguard-mesh status${flag}   # the tunnels, at any time`,
    `  npx pulumi stack output${flag}     # addresses, keys and paths`,
  ].join("\n");
}

/** The findings are printed before the engine asks whether to go on. */
async function checkAll(stack: OpenStack): Promise<HostChecks> {
  if (stack.mesh.plan === null) return NO_CHECKS;
  log("checking every host first...");
  const checks = await checkHosts(stack);
  log(checksText(checks.found));
  return checks;
}

interface OpenTasks {
  pending: PendingKey[];
  outdated: Outdated[];
  text: string;
}

/** The rotations in progress and the devices that need a new config; none for a config with mistakes. */
async function openTasks(stack: OpenStack): Promise<OpenTasks> {
  if (stack.mesh.plan === null) return { pending: [], outdated: [], text: "" };
  const pending = await findPendingKeys(stack);
  const outdated = await outdatedDevices(stack);
  const blocks = [pendingText(pending), outdatedText(outdated, await stack.plan())];
  return { pending, outdated, text: joinBlocks(blocks) };
}
