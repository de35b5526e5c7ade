/** `up --canary`: one host first, with the relays that it needs; the rest only if its tunnels work. */
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { pushedBefore } from "../../mesh/plan/push-order";
import { log } from "../log";
import { answeringNeighbours, deadTunnels, type DeadTunnel } from "./canary-tunnels";
import { typeOf } from "./engine-events";
import { NODE_TYPES, nodeOf, PUSH_TYPE } from "./engine-record";
import type { EngineRun, QuietRun } from "./engine-run";
import { Failure, findNode } from "./failure";
import { openAccess } from "./host-access";
import type { OpenStack } from "./open-stack";
import {
  runConfirmedUp,
  declined,
  hasChanges,
  isConfirmed,
  previewQuietly,
  type Reviewer,
  type RunOptions,
} from "./reviewed-run";

export interface CanaryReport {
  nodes: string[];
  /** The relays that were pushed together with them. */
  relays: string[];
  ok: boolean;
  /** Their tunnels that do not work; empty if their push failed. */
  dead: DeadTunnel[];
  /** The other nodes that change, which were not pushed to. */
  held: string[];
}

interface CanaryRun {
  run: EngineRun;
  /** Null: there was no change, or the user declined. */
  canary: CanaryReport | null;
}

interface CanaryOptions extends RunOptions {
  reviewer: Reviewer;
  canary: readonly string[];
}

/** @throws Failure for a canary that is not pushed to, or that does not change. */
export async function runCanaryFirst(
  stack: OpenStack,
  plan: Plan,
  options: CanaryOptions,
): Promise<CanaryRun> {
  const { reviewer } = options;
  const canaries = options.canary.map((name) => pushedNode(name, plan));
  // Needed even with --skip-preview: it has the changes and the URNs of the resources.
  const preview = await previewQuietly(stack, options.flags ?? []);
  if (preview.exitCode !== 0) return { run: preview, canary: null };
  reviewer.show(preview);
  if (hasChanges(preview)) refuseUnchanged(canaries, preview, plan);
  if (!(await isConfirmed(preview, reviewer, options)))
    return { run: declined(preview), canary: null };
  try {
    if (!hasChanges(preview))
      return { run: await runConfirmedUp(stack, reviewer, options), canary: null };
    return await pushCanaryThenRest(stack, plan, canaries, preview, options);
  } finally {
    reviewer.end();
  }
}

async function pushCanaryThenRest(
  stack: OpenStack,
  plan: Plan,
  canaries: readonly NodePlan[],
  preview: QuietRun,
  options: CanaryOptions,
): Promise<CanaryRun> {
  const { reviewer } = options;
  const nodes = canaries.map(({ name }) => name);
  const first = withRequiredNodes(canaries, plan);
  const changing = preview.changes.map(({ node }) => node);
  const waiting = changing.filter((name) => !first.has(name));
  const relays = [...first].filter((name) => changing.includes(name) && !nodes.includes(name));
  const result = { nodes, relays, held: waiting };
  const access = await openAccess(stack, plan);
  const before = await Promise.all(canaries.map((node) => answeringNeighbours(node, access)));
  log(`first ${[...relays, ...nodes].join(", ")}`);
  const run = await runConfirmedUp(stack, reviewer, options, targetsIn(preview, first, plan));
  stack.reopen();
  // The engine also reports unchanged resources.
  const settled = run.settled.filter((name) => !waiting.includes(name));
  const alone = { ...run, settled };
  if (run.exitCode !== 0) return { run: alone, canary: { ...result, ok: false, dead: [] } };
  log("checking the tunnels of the canary...");
  // An EC2 relay may have been created.
  const now = await openAccess(stack, plan);
  const checks = canaries.map((node, at) =>
    deadTunnels(node, now, before[at] ?? new Set(), waiting),
  );
  const dead = (await Promise.all(checks)).flat();
  if (dead.length > 0) return { run: alone, canary: { ...result, ok: false, dead } };
  log("they work; now the rest");
  const rest = await runConfirmedUp(stack, reviewer, options);
  const both = {
    settled: [...new Set([...settled, ...rest.settled])],
    changes: [...run.changes, ...rest.changes],
  };
  return { run: { ...rest, ...both }, canary: { ...result, ok: true, dead: [], held: [] } };
}

function pushedNode(name: string, { nodes }: Plan): NodePlan {
  const node = findNode(name, nodes);
  if (node.hosts.length > 0) return node;
  throw new Failure(`${name} is not pushed to, so it can be no canary`, "name a host", 2);
}

/** A canary must change, or its push would prove nothing. */
function refuseUnchanged(canaries: readonly NodePlan[], preview: QuietRun, plan: Plan): void {
  const changing = preview.changes.map(({ node }) => node);
  const unchanged = canaries.find(({ name }) => !changing.includes(name));
  if (unchanged === undefined) return;
  const hosts = plan.nodes.filter(({ name, hosts }) => hosts.length > 0 && changing.includes(name));
  const others = hosts.map(({ name }) => name).join(", ");
  throw new Failure(
    `nothing changes on ${unchanged.name}, so it would prove nothing as a canary; no host was touched`,
    others === "" ? "run up without --canary" : `name one that changes: ${others}`,
  );
}

/** The canaries, and the nodes that must be pushed to before them. */
function withRequiredNodes(canaries: readonly NodePlan[], { nodes }: Plan): ReadonlySet<string> {
  const relays = nodes.filter(({ kind }) => kind === "relay");
  const needed = new Set<string>();
  const add = (node: NodePlan): void => {
    if (needed.has(node.name)) return;
    needed.add(node.name);
    const before = pushedBefore(node, relays);
    nodes.filter(({ name }) => before.includes(name)).forEach(add);
  };
  canaries.forEach(add);
  return needed;
}

/**
 * The resources of these nodes, and new resources that they depend on. The network's own resource is left for the second run,
 * because it describes the whole network.
 */
function targetsIn({ operations }: QuietRun, names: ReadonlySet<string>, plan: Plan): string[] {
  const onEc2 = plan.nodes.some(({ name, ec2 }) => ec2 !== null && names.has(name));
  const own = [...NODE_TYPES, PUSH_TYPE];
  return operations
    .filter(({ urn, op }) => {
      const type = typeOf(urn);
      if (own.includes(type)) return names.has(nodeOf(urn));
      if (type.startsWith("aws:")) return onEc2;
      return op === "create";
    })
    .map(({ urn }) => urn);
}
