/** `up`: converges the network, then looks whether it really carries. */
import type { Command } from "commander";
import { readMesh } from "../../mesh/mesh";
import type { Plan } from "../../mesh/plan/plan";
import type { Secret } from "../../mesh/secret";
import type { Outdated } from "../../mesh/render/delivery";
import { outdatedIn, outdatedText } from "../stack/delivered";
import { runWithEvents, type EngineRun } from "../stack/engine-run";
import { openAccess, readPlan } from "../stack/network";
import { readConfigs, type Outputs } from "../stack/outputs";
import { findStack, type Stack } from "../stack/project";
import { readConfig, readStackFile } from "../stack/stack-file";
import { newCommand, print, say, STACK_OPTION, type CommonOptions } from "./command";
import { lastOutputs } from "./last-outputs";
import { pendingKeys, pendingText, witnessesOf, type PendingKey } from "./rotate/pending";
import { askNodes, type Answer } from "./status/ask-nodes";
import type { LinkStatus } from "./status/link-states";
import { awaitLinks } from "./up/await-links";
import { checkHosts, mendHosts, type HostCheck } from "./up/check-hosts";
import { forgetUnfinished } from "./up/forget-unfinished";
import { runInTurn } from "./up/take-turn";
import { checksText, upText, type UpReport } from "./up/up-report";

export interface UpOptions extends CommonOptions {
  yes?: true;
  skipPreview?: true;
  nonInteractive?: true;
  check?: true;
}

export function upCommand(): Command {
  return newCommand("up [flags...]", {
    says: "Converge the network: push to every host what changed, say who needs a new config, and check the tunnels. It is `pulumi up --continue-on-error`; its other flags may follow after --.",
    examples: ["up", "up --yes --skip-preview", "up --check", "up --stack home -- --refresh"],
  })
    .option(...STACK_OPTION)
    .option("-y, --yes", "do not ask before it begins")
    .option("-f, --skip-preview", "do not show a preview first")
    .option("--non-interactive", "ask nothing")
    .option("--check", "look at every host first, and mend what was changed there by hand")
    .action(up);
}

async function up(flags: string[], options: UpOptions): Promise<void> {
  const stack = findStack(options.stack);
  const { report, outputs } = await converge(stack, flags, options);
  process.exitCode = report.ok ? 0 : 1;
  const { pending, outdated, text } = await whoIsBehind(stack, outputs);
  const blocks = [upText(report), text].filter((block) => block !== "");
  print(options, { ...report, pending, outdated }, blocks.join("\n"));
}

interface Behind {
  pending: PendingKey[];
  outdated: Outdated[];
  text: string;
}

/** Whose new key is not proven everywhere, and who needs a config; each with the command that ends it. */
async function whoIsBehind(stack: Stack, told: Outputs | null): Promise<Behind> {
  if (filedPlan(stack) === null) return { pending: [], outdated: [], text: "" };
  const outputs = told ?? (await lastOutputs(stack));
  const plan = readPlan(stack, outputs);
  const witnesses = witnessesOf(plan);
  const answers =
    witnesses.length === 0
      ? new Map<string, Answer>()
      : await askNodes(witnesses, await openAccess(stack, plan));
  const pending = pendingKeys(plan, answers);
  const outdated = outdatedIn(stack, plan, outputs);
  const blocks = [pendingText(pending), outdatedText(outdated, plan)];
  return { pending, outdated, text: blocks.filter((block) => block !== "").join("\n") };
}

/** Null where the config has mistakes: then the engine's run ends in showing them, and nothing is to be looked at. */
function filedPlan(stack: Stack): Plan | null {
  return readMesh(readConfig(readStackFile(stack.file), stack.file), Date.now()).plan;
}

interface Converged {
  report: UpReport;
  /** As the run left them; null where it converged nothing. */
  outputs: Outputs | null;
}

/** One `up`, as it went; `rotate` has two of them. */
export async function converge(
  stack: Stack,
  flags: string[],
  options: UpOptions,
): Promise<Converged> {
  const plan = filedPlan(stack);
  const before = await handedOver(stack, plan);
  const out = options.json === true ? "stderr" : "stdout";
  const found = options.check === true && plan !== null ? await look(stack) : [];
  const args = engineArgs(flags, options);
  const run = await runInTurn(stack, () => runWithEvents(stack, args, out));
  await forgetUnfinished(stack, run);
  const outputs = plan === null || !run.updated ? null : await lastOutputs(stack);
  const now = outputs === null ? null : readPlan(stack, outputs);
  return { report: await reportOn(run, now, stack, before, found), outputs };
}

function engineArgs(flags: string[], options: UpOptions): string[] {
  return [
    ...["up", "--continue-on-error"],
    ...(options.yes === true ? ["--yes"] : []),
    ...(options.skipPreview === true ? ["--skip-preview"] : []),
    ...(options.nonInteractive === true ? ["--non-interactive"] : []),
    ...flags,
  ];
}

/** `plan`: null where nothing was converged. */
async function reportOn(
  run: EngineRun,
  plan: Plan | null,
  stack: Stack,
  before: ReadonlyMap<string, Secret>,
  found: HostCheck[],
): Promise<UpReport> {
  const { exitCode, failed } = run;
  if (plan === null) {
    return {
      ok: exitCode === 0,
      exitCode,
      failed,
      waiting: [],
      handOver: [],
      links: [],
      checked: found,
    };
  }
  const failedNodes = failed.flatMap(({ node }) => node ?? []);
  const settled = run.settled.filter((name) => !failedNodes.includes(name));
  const waiting = plan.nodes
    .filter((node) => node.hosts.length > 0 && failedNodes.length > 0)
    .map((node) => node.name)
    .filter((name) => ![...settled, ...failedNodes].includes(name));
  const after = await handedOver(stack, plan);
  const handOver = plan.nodes.flatMap(({ name: node, custody }) =>
    before.get(node)?.reveal() === after.get(node)?.reveal() ? [] : [{ node, custody }],
  );
  const checked = await mendHosts(stack, plan, found, failedNodes);
  const links = await checkTunnels(stack, plan, settled);
  const ok = exitCode === 0 && links.every((link) => link.state !== "dead");
  return {
    ok: ok && checked.every(({ mended }) => mended),
    exitCode,
    failed,
    waiting,
    handOver,
    links,
    checked,
  };
}

/** What it finds is said before the engine asks whether to go on. */
async function look(stack: Stack): Promise<HostCheck[]> {
  say("looking at every host first...");
  const found = await checkHosts(stack, readPlan(stack, await lastOutputs(stack)));
  say(checksText(found));
  return found;
}

/** Empty in a network whose nodes are all pushed to: then the engine need not be asked. */
async function handedOver(stack: Stack, plan: Plan | null): Promise<ReadonlyMap<string, Secret>> {
  if (plan === null || plan.nodes.every((node) => node.hosts.length > 0)) return new Map();
  return (await readConfigs(stack)) ?? new Map<string, Secret>();
}

/** Hosts that failed are not asked again: they have had their time. */
async function checkTunnels(stack: Stack, plan: Plan, settled: string[]): Promise<LinkStatus[]> {
  const nodes = plan.nodes.filter(({ name, hosts }) => hosts.length > 0 && settled.includes(name));
  const names = new Set(nodes.map(({ name }) => name));
  if (!plan.links.some(({ a, b }) => names.has(a) && names.has(b))) return [];
  say("looking whether the tunnels carry...");
  return awaitLinks(nodes, await openAccess(stack, plan));
}
