/** `up`: converges the network, then looks whether it really carries. */
import type { Command } from "commander";
import { readMesh } from "../../mesh/mesh";
import type { Plan } from "../../mesh/plan/plan";
import type { Secret } from "../../mesh/secret";
import { outdatedIn, outdatedText } from "../stack/delivered";
import { runWithEvents, type EngineRun } from "../stack/engine-run";
import { openAccess } from "../stack/network";
import { readConfigs } from "../stack/outputs";
import { findStack, type Stack } from "../stack/project";
import { readConfig, readStackFile } from "../stack/stack-file";
import { newCommand, print, say, STACK_OPTION, type CommonOptions } from "./command";
import type { LinkStatus } from "./status/link-states";
import { awaitLinks } from "./up/await-links";
import { checkHosts, mendHosts, type HostCheck } from "./up/check-hosts";
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
  const report = await converge(stack, flags, options);
  process.exitCode = report.ok ? 0 : 1;
  const { plan } = readMesh(readConfig(readStackFile(stack.file), stack.file), Date.now());
  const outdated = plan === null ? [] : outdatedIn(stack, plan);
  const text = [upText(report), outdatedText(outdated)].filter((block) => block !== "");
  print(options, { ...report, outdated }, text.join("\n"));
}

/** One `up`, as it went; `rotate` has two of them. */
export async function converge(
  stack: Stack,
  flags: string[],
  options: UpOptions,
): Promise<UpReport> {
  // With mistakes in the config the engine's run ends in showing them, and nothing is to be checked afterwards.
  const { plan } = readMesh(readConfig(readStackFile(stack.file), stack.file), Date.now());
  const before = await handedOver(stack, plan);
  const out = options.json === true ? "stderr" : "stdout";
  const found = options.check === true && plan !== null ? await look(stack, plan) : [];
  const run = await runWithEvents(stack, engineArgs(flags, options), out);
  return reportOn(run, plan, stack, before, found);
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

async function reportOn(
  run: EngineRun,
  plan: Plan | null,
  stack: Stack,
  before: ReadonlyMap<string, Secret>,
  found: HostCheck[],
): Promise<UpReport> {
  const { exitCode, failed } = run;
  if (plan === null || !run.updated) {
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
async function look(stack: Stack, plan: Plan): Promise<HostCheck[]> {
  say("looking at every host first...");
  const found = await checkHosts(stack, plan);
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
