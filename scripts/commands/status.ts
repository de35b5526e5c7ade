/** `status`: the running network beside the plan. */
import type { Command } from "commander";
import { outdatedIn, outdatedText } from "../stack/delivered";
import { openAccess, readPlan } from "../stack/network";
import { findStack } from "../stack/project";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "./command";
import { lastOutputs } from "./last-outputs";
import { noSuchNode } from "./plan";
import { pendingKeys, pendingText } from "./rotate/pending";
import { askNodes } from "./status/ask-nodes";
import { statusReport, statusText } from "./status/status-report";

export function statusCommand(): Command {
  return newCommand("status [nodes...]", {
    says: "Ask the hosts how the network is: handshakes, endpoints, traffic, and what differs from the plan. Changes nothing.",
    examples: ["status", "status desktop tokyo", "status --json"],
  })
    .option(...STACK_OPTION)
    .action(status);
}

async function status(names: string[], options: CommonOptions): Promise<void> {
  const stack = findStack(options.stack);
  const outputs = await lastOutputs(stack);
  const plan = readPlan(stack, outputs);
  const stranger = names.find((name) => plan.nodes.every((node) => node.name !== name));
  if (stranger !== undefined) throw noSuchNode(stranger, plan.nodes);
  const nodes = plan.nodes.filter((node) => names.length === 0 || names.includes(node.name));
  const access = await openAccess(stack, plan);
  const answers = await askNodes(nodes, access);
  const report = statusReport(nodes, plan, access.owner, answers);
  // Of hosts that were not asked nobody could say whether they have come over.
  const pending = names.length === 0 ? pendingKeys(plan, answers) : [];
  const outdated = outdatedIn(stack, plan, outputs);
  process.exitCode = report.ok ? 0 : 1;
  const text = [statusText(report), pendingText(pending), outdatedText(outdated, plan)];
  const shown = text.filter((block) => block !== "").join("\n\n");
  print(options, { ...report, pending, outdated }, shown);
}
