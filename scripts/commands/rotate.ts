/** `rotate`: a new key for a node, while the old one still works, until the new one is proven everywhere. */
import type { Command } from "commander";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { outdatedIn, outdatedText } from "../stack/delivered";
import { Failure } from "../stack/failure";
import { readPlan } from "../stack/network";
import { findStack, type Stack } from "../stack/project";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "./command";
import { lastOutputs } from "./last-outputs";
import { noSuchNode } from "./plan";
import { pendingText } from "./rotate/pending";
import { begin, cutOffBy, finish, lostByFinish, revoke } from "./rotate/steps";
import { convergeAndProve, look, type RotateReport } from "./rotate/walk";
import { upText } from "./up/up-report";

export interface RotateOptions extends CommonOptions {
  all?: true;
  finish?: true;
  revoke?: true;
  cutOff?: true;
  publicKey?: string;
  yes?: true;
}

export function rotateCommand(): Command {
  return newCommand("rotate [node]", {
    says: "Give a node a new key: converge with both keys, wait until the new one is proven by handshakes, then end the old one. Where somebody cannot be reached it stops with both keys working and says who is missing; run it again later. The stack file is the record, so it can be interrupted at any point.",
    examples: [
      "rotate desktop",
      "rotate --all --yes",
      "rotate phone --public-key 'AAAA...='   # of a device that keeps its own key",
      "rotate tokyo --finish",
      "rotate laptop --revoke   # it was stolen: the old key ends at once",
    ],
  })
    .option(...STACK_OPTION)
    .option("-a, --all", "every node whose key is not on a device of its own, peers first")
    .option(
      "--finish",
      "end the old key now, of this node or of all; who has not come over is cut off",
    )
    .option("--revoke", "end the old key at once, without a time in which both work")
    .option(
      "--cut-off",
      "with --revoke or --finish: also where hosts cannot be reached any more after that",
    )
    .option("--public-key <key>", "the new public key of a device that keeps its private key")
    .option("-y, --yes", "do not ask before each run of the engine")
    .action(rotate);
}

async function rotate(name: string | undefined, options: RotateOptions): Promise<void> {
  refuseWrongUse(name, options);
  const stack = findStack(options.stack);
  const before = readPlan(stack, await lastOutputs(stack));
  const names = namesFor(name, options, before);
  if (options.finish === true && options.cutOff !== true)
    await refuseToCutOff(names, before, stack);
  const { reports, stopped } =
    options.finish === true
      ? { reports: [await finishNow(names, stack, options)], stopped: null }
      : await rotateEach(names, stack, options);
  const ok = stopped === null && reports.every(({ outcome }) => outcome === "finished");
  process.exitCode = ok ? 0 : 1;
  const outputs = await lastOutputs(stack);
  const plan = readPlan(stack, outputs);
  const outdated = outdatedIn(stack, plan, outputs);
  const text = [...reports.map(textOf), stoppedText(stopped), outdatedText(outdated, plan)];
  const shown = text.filter((block) => block !== "").join("\n");
  print(options, { ok, rotations: reports, stopped, outdated }, shown);
}

/** The node at which it went no further, before anything was done to it. */
interface Stopped {
  node: string;
  message: string;
  remedy: string | null;
}

/** One after the other. What was done is told also where the next one is refused. */
async function rotateEach(
  names: string[],
  stack: Stack,
  options: RotateOptions,
): Promise<{ reports: RotateReport[]; stopped: Stopped | null }> {
  const reports: RotateReport[] = [];
  for (const node of names) {
    try {
      const report = await rotateOne(node, stack, options);
      reports.push(report);
      if (report.outcome === "failed") break;
    } catch (problem) {
      if (!(problem instanceof Failure) || reports.length === 0) throw problem;
      const { message, remedy } = problem;
      return { reports, stopped: { node, message, remedy } };
    }
  }
  return { reports, stopped: null };
}

function stoppedText(stopped: Stopped | null): string {
  if (stopped === null) return "";
  const { node, message, remedy } = stopped;
  return `stopped at ${node}: ${message}${remedy === null ? "" : `\n  ${remedy}`}`;
}

/** A host that has not come over, and that only the tunnel leads to, could never be reached again. */
async function refuseToCutOff(names: readonly string[], plan: Plan, stack: Stack): Promise<void> {
  const risky = plan.nodes.filter(
    (node) => names.includes(node.name) && cutOffBy(node, plan).length > 0,
  );
  if (risky.length === 0) return;
  const lost = lostByFinish(
    await look(
      risky.map(({ name }) => name),
      plan,
      stack,
    ),
    plan,
  );
  if (lost.length === 0) return;
  throw new Failure(
    `the tunnel is the only way to ${lost.join(", ")}, and it ends there with the old key, which is the one in use`,
    `wait until they are back: npx wireguard-mesh rotate ${names.join(", or ")}. To cut them off all the same: --finish --cut-off`,
  );
}

function refuseWrongUse(name: string | undefined, options: RotateOptions): void {
  const { all, finish: end, revoke: atOnce, publicKey } = options;
  if (name === undefined && all !== true && end !== true)
    throw new Failure("which node?", "name it, or say --all", 2);
  if (name !== undefined && all === true)
    throw new Failure("a name and --all contradict each other", "leave one of them out", 2);
  if (end === true && (atOnce === true || publicKey !== undefined))
    throw new Failure("--finish makes no new key", "use it alone", 2);
  if (options.cutOff === true && atOnce !== true && end !== true)
    throw new Failure("--cut-off goes with --revoke or --finish", "leave it out", 2);
  if (publicKey !== undefined && name === undefined)
    throw new Failure("--public-key is for one node", "name it", 2);
}

/** Peers first: a relay that nobody can leave half-way holds up no other. */
function namesFor(name: string | undefined, options: RotateOptions, { nodes }: Plan): string[] {
  if (name !== undefined) {
    if (nodes.every((node) => node.name !== name)) throw noSuchNode(name, nodes);
    return [name];
  }
  if (options.finish === true) {
    return nodes.filter((node) => node.nextPublicKey !== null).map((node) => node.name);
  }
  const ranked = [...nodes].sort((a, b) => rank(a) - rank(b));
  return ranked.filter(({ custody }) => custody !== "device").map((node) => node.name);
}

function rank({ kind }: NodePlan): number {
  return kind === "peer" ? 0 : 1;
}

/** First half, proof, second half: as far as it goes. */
async function rotateOne(
  name: string,
  stack: Stack,
  options: RotateOptions,
): Promise<RotateReport> {
  if (options.revoke === true) {
    await revoke(name, stack, options);
    const { up } = await convergeAndProve([], stack, options);
    return { node: name, outcome: up.ok ? "finished" : "failed", pending: [], up };
  }
  await begin(name, stack, options.publicKey);
  const half = await convergeAndProve([name], stack, options);
  const outcome = half.up.exitCode !== 0 && half.up.failed.length === 0 ? "failed" : "pending";
  if (half.up.exitCode !== 0 || half.pending.some(({ waitsFor }) => waitsFor.length > 0))
    return { node: name, outcome, pending: half.pending, up: half.up };
  return finishNow([name], stack, options);
}

async function finishNow(
  names: string[],
  stack: Stack,
  options: RotateOptions,
): Promise<RotateReport> {
  const node = names.join(", ");
  if (names.length > 0) await finish(names, stack);
  const { up } = await convergeAndProve([], stack, options);
  return { node, outcome: up.ok ? "finished" : "failed", pending: [], up };
}

function textOf({ node, outcome, pending, up }: RotateReport): string {
  const run = upText(up);
  const words =
    outcome === "finished"
      ? node === ""
        ? "nobody is between two keys"
        : `${node}: the new key is the only one now`
      : outcome === "pending"
        ? pendingText(pending)
        : `${node}: the run did not come to its end; both keys work where it got. Run the same command again.`;
  return [run, words].filter((text) => text !== "").join("\n");
}
