/** `repush`: brings hosts back to what they were told, where somebody has changed them by hand. */
import type { Command } from "commander";
import pc from "picocolors";
import type { Plan } from "../../mesh/plan/plan";
import { Failure } from "../stack/failure";
import { readPlan } from "../stack/network";
import { findStack, type Stack } from "../stack/project";
import { readRecordedPushes, type RecordedPush } from "../stack/recorded-pushes";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "./command";
import { noSuchNode } from "./plan";
import { pushAgain, type Repushed } from "./repush/push-again";

interface RepushOptions extends CommonOptions {
  all?: true;
}

export function repushCommand(): Command {
  return newCommand("repush [nodes...]", {
    says: "Undo what was changed by hand on hosts: each is pushed once more what the last `up` told it. The engine has no part in it, so its next run has nothing to do.",
    examples: ["repush desktop", "repush --all"],
  })
    .option(...STACK_OPTION)
    .option("-a, --all", "every host of the network")
    .action(repush);
}

async function repush(names: string[], options: RepushOptions): Promise<void> {
  if ((options.all === true) === names.length > 0) {
    throw new Failure("which hosts?", "name them, or say --all", 2);
  }
  const stack = findStack(options.stack);
  const plan = readPlan(stack);
  const rounds = await roundsOf(stack, plan, options.all === true ? null : names);
  const nodes = await pushAgain(rounds);
  const ok = nodes.every(({ outcome }) => outcome !== "failed");
  process.exitCode = ok ? 0 : 1;
  print(options, { ok, nodes }, nodes.map(lineOf).join("\n"));
}

/** Relays first. `names` null: all that were ever pushed to and are in the network still. */
export async function roundsOf(
  stack: Stack,
  plan: Plan,
  names: string[] | null,
): Promise<RecordedPush[][]> {
  const wanted = plan.nodes.filter(({ name }) => names === null || names.includes(name));
  const stranger = names?.find((name) => plan.nodes.every((node) => node.name !== name));
  if (stranger !== undefined) throw noSuchNode(stranger, plan.nodes);
  const recorded = await readRecordedPushes(stack);
  const missing = wanted.find(({ name }) => !recorded.has(name));
  if (names !== null && missing !== undefined) throw neverPushed(missing.name, plan);
  return (["relay", "peer"] as const).map((kind) =>
    wanted.flatMap((node) => (node.kind === kind ? (recorded.get(node.name) ?? []) : [])),
  );
}

function neverPushed(name: string, plan: Plan): Failure {
  const handedOver = plan.nodes.some((node) => node.name === name && node.hosts.length === 0);
  return handedOver
    ? new Failure(
        `${name} is not pushed to: its config is handed over`,
        `npx wireguard-mesh config ${name}`,
      )
    : new Failure(`${name} has never been pushed to`, "npx wireguard-mesh up");
}

function lineOf({ node, outcome, through, reason }: Repushed): string {
  switch (outcome) {
    case "applied":
      return `${pc.green("mended:")} ${node} (${through ?? ""})`;
    case "unchanged":
      return `${node} is as it should be (${through ?? ""})`;
    case "failed":
      return `${pc.red("failed:")} ${node}: ${(reason ?? "").replaceAll("\n", "\n  ")}`;
  }
}
