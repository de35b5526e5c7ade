/** Runs `pulumi up`, then checks whether the network works. */
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { fingerprintOf } from "../../mesh/render/delivery";
import { log } from "../log";
import type { HostAnswers } from "./query-hosts";
import { runCanaryFirst, type CanaryReport } from "./canary";
import { fixHosts, NO_CHECKS, type HostCheck, type HostChecks } from "./check-hosts";
import { captureEngine, errorOf, onStack } from "./engine";
import { isPush, type NodeFailure } from "./engine-events";
import type { EngineRun } from "./engine-run";
import { Failure, withRemedy } from "./failure";
import { hasFormerInstance } from "./former-instance";
import { openAccess } from "./host-access";
import { awaitLinks, type LinkStatus } from "./link-states";
import type { OpenStack } from "./open-stack";
import { fingerprintsIn, hasNode } from "./outputs";
import type { StackRef } from "./project";
import { runUp, type RunOptions } from "./reviewed-run";

export interface UpReport {
  /** The engine succeeded, no link between two pushed nodes is dead, and every checked host was fixed. */
  ok: boolean;
  /** The engine's exit code. */
  exitCode: number;
  /** Whether the engine began an update; see RunEvents.updated. */
  updated: boolean;
  failed: NodeFailure[];
  /** Nodes whose host this run has pushed to. */
  pushed: string[];
  /** Nodes that this run has taken out of the network. */
  removed: string[];
  /** Nodes that were skipped because a relay that they need failed, or because of `stopped`; the next `up` includes them. */
  waiting: string[];
  /** The limit of failed hosts was reached, so other pushes were not begun; absent otherwise. */
  stopped?: true;
  /** The result of the canary; absent without one, or if there was no change. */
  canary?: CanaryReport;
  /** Nodes without a host whose config has changed in this run. */
  handOver: HandOver[];
  /** The links between pushed nodes, and from them to devices; empty where they were not checked. */
  links: LinkStatus[];
  /** The number of links in the plan. */
  planned: number;
  /** The hosts that differed or could not be queried before the run, and whether they match the plan now. */
  checked: HostCheck[];
}

interface HandOver {
  node: string;
  /** `device`: it adds its own private key, so its config is text and not a QR code. */
  custody: NodePlan["custody"];
}

interface ConvergeOptions extends RunOptions {
  /** The result of checkHosts, for hosts that differ to be fixed after the run. */
  checks?: HostChecks;
  /** Hosts that are pushed to first, see canary.ts. Needs a reviewer. */
  canary?: readonly string[];
}

/** Runs `pulumi up` and reopens the stack. A config with mistakes is no obstacle, because the program reports them. */
export async function converge(stack: OpenStack, given: ConvergeOptions): Promise<UpReport> {
  stack.refuseMisread();
  const { plan } = stack.mesh;
  const stopsAtFailure = plan !== null && (await hasFormerInstance(stack, plan));
  const options = { ...given, stopsAtFailure };
  const before = await deviceFingerprints(stack, plan);
  const { canary: names, reviewer } = options;
  const { run, canary } =
    names === undefined || plan === null || reviewer === undefined
      ? { run: await runUp(stack, options), canary: null }
      : await runCanaryFirst(stack, plan, { ...options, canary: names, reviewer });
  stack.reopen();
  await clearPendingCreates(stack, run);
  const checks = canary?.ok === false ? NO_CHECKS : (options.checks ?? NO_CHECKS);
  if (plan === null || !run.updated) return reportOfEngine(run, checks.found);
  const report = await reportOf(run, stack, before, checks).catch((error: unknown) =>
    reportWithout(run, checks.found, error),
  );
  return canary === null ? report : withCanary(report, canary);
}

/** The report if the outputs or the hosts could not be queried after the update, which has happened nevertheless. */
function reportWithout(run: EngineRun, found: readonly HostCheck[], error: unknown): UpReport {
  if (!(error instanceof Failure)) throw error;
  const reason = withRemedy(error.message, error.remedy);
  const report = reportOfEngine(run, found);
  return { ...report, ok: false, failed: [...run.failed, { node: null, reason }] };
}

/** Nodes that the canary held back do not wait for a relay. */
function withCanary(report: UpReport, canary: CanaryReport): UpReport {
  const waiting = report.waiting.filter((name) => !canary.held.includes(name));
  return { ...report, waiting, canary, ok: report.ok && canary.ok };
}

/** Empty, without running the engine, for a network without devices. */
async function deviceFingerprints(
  stack: OpenStack,
  plan: Plan | null,
): Promise<ReadonlyMap<string, string>> {
  const devices = plan?.nodes.filter((node) => node.hosts.length === 0) ?? [];
  if (devices.length === 0) return new Map();
  const outputs = await stack.outputs();
  const known = fingerprintsIn(outputs);
  const isOlder = devices.some(({ name }) => !known.has(name) && hasNode(outputs, name));
  if (!isOlder) return known;
  // A state of version 0.1.0 has the configs, but no fingerprints.
  const configs = await stack.configs();
  return new Map([...configs].map(([name, config]) => [name, fingerprintOf(config.reveal())]));
}

/** @throws Failure when the engine does not return the outputs: the report would miss devices that need a new config. */
async function currentFingerprints(
  stack: OpenStack,
  plan: Plan,
): Promise<ReadonlyMap<string, string>> {
  const hasDevices = plan.nodes.some((node) => node.hosts.length === 0);
  return hasDevices ? fingerprintsIn(await stack.outputs()) : new Map();
}

/** The report of a run that updated nothing. */
function reportOfEngine(
  { exitCode, updated, failed }: EngineRun,
  found: readonly HostCheck[],
): UpReport {
  const nothing = { pushed: [], removed: [], waiting: [], handOver: [], links: [], planned: 0 };
  return { ok: exitCode === 0, exitCode, updated, failed, ...nothing, checked: [...found] };
}

async function reportOf(
  run: EngineRun,
  stack: OpenStack,
  before: ReadonlyMap<string, string>,
  { found, answers }: HostChecks,
): Promise<UpReport> {
  const { exitCode, failed } = run;
  const plan = await stack.plan();
  const failedNodes = failed.flatMap(({ node }) => node ?? []);
  const settled = run.settled.filter((name) => !failedNodes.includes(name));
  const waiting = plan.nodes
    .filter((node) => node.hosts.length > 0 && failedNodes.length > 0)
    .map((node) => node.name)
    .filter((name) => ![...settled, ...failedNodes].includes(name));
  const handOver = changedDevices(plan, before, await currentFingerprints(stack, plan));
  const checked = await fixHosts(stack, plan, found, failedNodes);
  const touched = [...run.changes, ...found].map(({ node }) => node);
  const links = await checkTunnels(stack, plan, settled, answersToKeep(plan, answers, touched));
  const alive = links.every((link) => link.state !== "dead");
  return {
    ok: exitCode === 0 && alive && checked.every(({ mended }) => mended),
    exitCode,
    updated: run.updated,
    failed,
    ...doneIn(run, plan, failedNodes),
    waiting,
    ...(run.stopped === true ? { stopped: true } : {}),
    handOver,
    links,
    planned: plan.links.length,
    checked,
  };
}

/** The successful pushes of the run. */
function doneIn(
  { changes, settled }: EngineRun,
  { nodes }: Plan,
  failed: readonly string[],
): Pick<UpReport, "pushed" | "removed"> {
  const hosts = new Set(nodes.filter((node) => node.hosts.length > 0).map(({ name }) => name));
  const done = changes.filter(({ node }) => !failed.includes(node));
  const isRemoved = ({ node, change }: (typeof changes)[number]) =>
    change === "delete" && !nodes.some(({ name }) => name === node);
  return {
    pushed: done
      .map(({ node }) => node)
      .filter((node) => hosts.has(node) && settled.includes(node)),
    removed: done.filter(isRemoved).map(({ node }) => node),
  };
}

/** `before`, `after`: fingerprints of the devices' configs. */
function changedDevices(
  { nodes }: Plan,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): HandOver[] {
  return nodes.flatMap(({ name: node, custody }) => {
    const isChanged = after.has(node) && after.get(node) !== before.get(node);
    return isChanged ? [{ node, custody }] : [];
  });
}

/** The states of the links between nodes whose push succeeded, and from them to devices. */
async function checkTunnels(
  stack: OpenStack,
  plan: Plan,
  settled: readonly string[],
  known: HostAnswers,
): Promise<LinkStatus[]> {
  const nodes = plan.nodes.filter(({ name, hosts }) => hosts.length > 0 && settled.includes(name));
  const names = new Set(nodes.map(({ name }) => name));
  if (!plan.links.some(({ a, b }) => names.has(a) && names.has(b))) return [];
  log("checking the tunnels...");
  return awaitLinks(nodes, await openAccess(stack), known);
}

/** Older answers about tunnels are not used, because the user may have taken long to confirm the preview. */
const FRESH_S = 60;

/** Answers of hosts that need no new query, because neither they nor their neighbours were changed. */
function answersToKeep(plan: Plan, answers: HostAnswers, touched: readonly string[]): HostAnswers {
  const names = new Set(touched);
  const near = plan.links.flatMap(({ a, b }) => [
    ...(names.has(a) ? [b] : []),
    ...(names.has(b) ? [a] : []),
  ]);
  const since = Date.now() / 1000 - FRESH_S;
  const kept = [...answers].filter(
    ([name, answer]) =>
      answer.reachable && answer.queriedAt > since && !names.has(name) && !near.includes(name),
  );
  return new Map(kept);
}

/**
 * Removes the pending creates of an interrupted run from the state; the engine warns about them in every run. Only after a
 * successful run, and only if all are pushes: pushes are atomic, but an EC2 instance may exist that is not in the state.
 */
async function clearPendingCreates(stack: StackRef, run: EngineRun): Promise<void> {
  const { exitCode, unfinished } = run;
  if (exitCode !== 0 || unfinished.length === 0 || !unfinished.every(isPush)) return;
  // The command provider does not read resources, so this connects to no host.
  const args = ["refresh", "--yes", "--skip-preview", "--clear-pending-creates"];
  const targets = unfinished.flatMap((urn) => ["--target", urn]);
  const answer = await captureEngine(stack.project, onStack(stack, ...args, ...targets));
  if (answer.exitCode !== 0)
    log(`the state still has the unfinished creates of an interrupted run: ${errorOf(answer)}`);
}
