/** `rotate`: replaces a node's key. The old one works until all neighbours have had a handshake with the new one. */
import type { Command } from "commander";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { joinBlocks, newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { outdatedText } from "../cli/report-text";
import { failuresText, terminalReviewer } from "../cli/reviewer";
import { log } from "../log";
import { converge, type UpReport } from "../stack/converge";
import { outdatedDevices } from "../stack/device-config";
import { Failure, findNode } from "../stack/failure";
import { openStack, type OpenStack } from "../stack/open-stack";
import { awaitNewKeys, findPendingKeys } from "../stack/pending-keys";
import { queuedIn, withQueue } from "../stack/rotation-queue";
import {
  beginRotation,
  cutOffBy,
  finishRotation,
  lostByFinish,
  revokeKeys,
  reverseRotation,
} from "../stack/rotation-steps";
import { reportText, stoppedText, type RotateReport, type Stopped } from "./rotate/rotate-report";

interface RotateOptions extends CommonOptions {
  all?: true;
  finish?: true;
  revoke?: true;
  cancel?: true;
  cutOff?: true;
  publicKey?: string;
  yes?: true;
}

export function rotateCommand(): Command {
  return newCommand("rotate [node]", {
    description:
      "Give a node a new key: converge with both keys, wait until the new one is proven by handshakes, then end the old one. Where a neighbour cannot be reached it stops with both keys working and names it; run it again later. The stack file is the record, so it can be interrupted at any point.",
    examples: [
      "rotate desktop",
      "rotate --all --yes",
      "rotate phone --public-key 'AAAA...='   # of a device that keeps its own key",
      "rotate tokyo --finish",
      "rotate tokyo --cancel   # all nodes go back to its old key",
      "rotate laptop --revoke   # it was stolen: the old key ends at once",
    ],
  })
    .option(...STACK_OPTION)
    .option(
      "-a, --all",
      "every node whose private key is not on a device, peers first; goes on where it was interrupted",
    )
    .option(
      "--finish",
      "end the old key now, of this node or of all; cuts off nodes without the new key",
    )
    .option("--cancel", "give the rotation up: go back to the old key, then end the new one")
    .option("--revoke", "end the old key at once, without a time in which both work")
    .option(
      "--cut-off",
      "with --revoke or --finish: even if hosts can never be reached again after that",
    )
    .option("--public-key <key>", "the new public key of a device that keeps its private key")
    .option("-y, --yes", "do not ask before each run of the engine")
    .action(rotate);
}

async function rotate(name: string | undefined, options: RotateOptions): Promise<void> {
  refuseWrongUse(name, options);
  const stack = openStack(options.stack);
  const names = namesFor(name, options, await stack.plan(), queuedIn(stack.config));
  if (options.finish === true && options.cutOff !== true) await refuseToCutOff(names, stack);
  const { reports, stopped } =
    options.finish === true
      ? { reports: [await finishNow(names, stack, options)], stopped: null }
      : await rotateEach(names, stack, options);
  const ok = stopped === null && reports.every(({ outcome }) => outcome === "finished");
  process.exitCode = ok ? 0 : 1;
  const outdated = await outdatedDevices(stack);
  const devices = outdatedText(outdated, await stack.plan());
  const text = joinBlocks([...reports.map(reportText), stoppedText(stopped), devices]);
  print(options, { ok, rotations: reports, stopped, outdated }, text);
}

function refuseWrongUse(name: string | undefined, options: RotateOptions): void {
  const { all, finish: end, revoke: atOnce, cancel, publicKey } = options;
  if (name === undefined && all !== true && end !== true)
    throw new Failure("which node?", "name it, or use --all", 2);
  if (name !== undefined && all === true)
    throw new Failure("a name and --all contradict each other", "leave one of them out", 2);
  if (end === true && (atOnce === true || publicKey !== undefined))
    throw new Failure("--finish makes no new key", "use it without --revoke and --public-key", 2);
  if (cancel === true && (name === undefined || end === true || atOnce === true || publicKey))
    throw new Failure("--cancel is for the rotation of one node", "use it alone", 2);
  if (options.cutOff === true && atOnce !== true && end !== true)
    throw new Failure("--cut-off needs --revoke or --finish", "leave it out", 2);
  if (publicKey !== undefined && name === undefined)
    throw new Failure("--public-key is for one node", "name it", 2);
}

/** With --all, peers come first, so that a relay whose rotation stays pending does not delay them. */
function namesFor(
  name: string | undefined,
  options: RotateOptions,
  { nodes }: Plan,
  queued: readonly string[] | null,
): string[] {
  if (name !== undefined) return [findNode(name, nodes).name];
  if (options.finish === true) {
    return nodes.filter((node) => node.nextPublicKey !== null).map((node) => node.name);
  }
  const ranked = [...nodes].sort((a, b) => rank(a) - rank(b));
  const all = ranked.filter(({ custody }) => custody !== "device").map((node) => node.name);
  if (queued === null) return all;
  const left = all.filter((each) => queued.includes(each));
  log(
    `an earlier rotate --all was interrupted; left to do: ${left.join(", ") || "nothing"} (rotateAll in the stack file)`,
  );
  return left;
}

function rank({ kind }: NodePlan): number {
  return kind === "peer" ? 0 : 1;
}

/** A host that is reached only through the tunnel and does not use the new key yet could never be reached again. */
async function refuseToCutOff(names: readonly string[], stack: OpenStack): Promise<void> {
  const plan = await stack.plan();
  const risky = plan.nodes
    .filter((node) => names.includes(node.name) && cutOffBy(node, plan).length > 0)
    .map((node) => node.name);
  if (risky.length === 0) return;
  const lost = lostByFinish(await findPendingKeys(stack, risky), plan);
  if (lost.length === 0) return;
  throw new Failure(
    `${lost.join(", ")} can only be reached through the tunnel, which still uses the old key there`,
    `wait until they are back: npx wireguard-mesh rotate ${names.join(", or ")}. To cut them off anyway: --finish --cut-off`,
  );
}

/** Rotates one node after the other. If one is refused, the reports of the nodes before it are kept. */
async function rotateEach(
  names: string[],
  stack: OpenStack,
  options: RotateOptions,
): Promise<{ reports: RotateReport[]; stopped: Stopped | null }> {
  const reports: RotateReport[] = [];
  for (const node of names) {
    try {
      const queue = options.all === true && node === names[0] ? names : null;
      const report = await rotateOne(node, stack, options, queue);
      reports.push(report);
      if (report.outcome === "failed" || report.outcome === "untouched") break;
    } catch (error) {
      if (!(error instanceof Failure) || reports.length === 0) throw error;
      const { message, remedy } = error;
      return { reports, stopped: { node, message, remedy } };
    }
  }
  return { reports, stopped: null };
}

/** Begins, waits for handshakes with the new key, and finishes if all neighbours had one. `queue`: to record as `rotateAll`. */
async function rotateOne(
  name: string,
  stack: OpenStack,
  options: RotateOptions,
  queue: readonly string[] | null,
): Promise<RotateReport> {
  if (options.revoke === true) {
    return lastRun(name, stack, options, () => revokeKeys(name, stack, options));
  }
  const up = await runAfter(stack, options, async () => {
    if (queue !== null) await stack.edit((text) => ({ text: withQueue(text, queue) }));
    await (options.cancel === true
      ? reverseRotation(name, stack)
      : beginRotation(name, stack, options.publicKey));
  });
  if (isUntouched(up)) return { node: name, outcome: "untouched", pending: [], up };
  const succeeded = up.exitCode === 0;
  if (succeeded) log("waiting until the new key is proven by handshakes...");
  const pending = await (succeeded ? awaitNewKeys : findPendingKeys)(stack, [name]);
  // After --cancel a device keeps the old key; one that has the new key already is listed as outdated.
  const isProven = pending.every(({ waitsFor }) =>
    waitsFor.every(({ why }) => options.cancel === true && why === "handOver"),
  );
  if (succeeded && isProven) return finishNow([name], stack, options);
  const isFailed = !succeeded && up.failed.every((it) => it.node === null);
  return { node: name, outcome: isFailed ? "failed" : "pending", pending, up };
}

async function finishNow(
  names: string[],
  stack: OpenStack,
  options: RotateOptions,
): Promise<RotateReport> {
  const report = await lastRun(names.join(", "), stack, options, () =>
    finishRotation(names, stack),
  );
  return options.cancel === true ? { ...report, cancelled: true } : report;
}

/** The run that removes the old key. */
async function lastRun(
  node: string,
  stack: OpenStack,
  options: RotateOptions,
  edit: () => Promise<void>,
): Promise<RotateReport> {
  const up = await runAfter(stack, options, edit);
  const outcome = isUntouched(up) ? "untouched" : up.ok ? "finished" : "failed";
  return { node, outcome, pending: [], up };
}

/** Edits the stack file and runs the engine. If that updates nothing, restores the file. */
async function runAfter(
  stack: OpenStack,
  options: RotateOptions,
  edit: () => Promise<void>,
): Promise<UpReport> {
  const before = stack.text;
  await edit();
  const edited = stack.text;
  const restore = async () => {
    if (edited !== before && (await stack.restore(before, edited)))
      log(`nothing was updated, so ${stack.file} is as it was`);
  };
  try {
    const up = await run(stack, options);
    if (isUntouched(up)) await restore();
    return up;
  } catch (error) {
    // E.g. there is no terminal for the confirmation.
    if (error instanceof Failure) await restore();
    throw error;
  }
}

function isUntouched({ exitCode, updated }: UpReport): boolean {
  return exitCode !== 0 && !updated;
}

async function run(stack: OpenStack, { yes, json }: RotateOptions): Promise<UpReport> {
  const unattended = yes === true ? { yes, skipPreview: yes } : {};
  const out = json === true ? "stderr" : "stdout";
  const print = (text: string) => void process[out].write(text);
  const reviewer = terminalReviewer({ print, plan: stack.mesh.plan });
  const report = await converge(stack, { ...unattended, out, reviewer });
  if (report.failed.length > 0) log(failuresText(report.failed));
  return report;
}
