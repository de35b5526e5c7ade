/** `status`: the running network, compared with the plan. */
import type { Command } from "commander";
import { isAboutActivity } from "../../mesh/config/activity";
import { formatIssues } from "../../mesh/config/issue";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { joinBlocks, newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { outdatedText, pendingText } from "../cli/report-text";
import { askHosts } from "../stack/ask-hosts";
import { outdatedDevices } from "../stack/device-config";
import { nodeNamed } from "../stack/failure";
import { openAccess } from "../stack/host-access";
import { openStack } from "../stack/open-stack";
import { pendingKeys } from "../stack/pending-keys";
import { silentNodes, silentText } from "./status/silent";
import { statusReport } from "./status/status-report";
import { statusText } from "./status/status-text";

export function statusCommand(): Command {
  return newCommand("status [nodes...]", {
    description:
      "Ask the hosts for the state of the network: a line for each node with its path, state, last handshake, endpoint and traffic, and what differs from the plan. A device without a host is shown as its relay sees it. Changes nothing.",
    examples: ["status", "status desktop tokyo", "status --json"],
  })
    .option(...STACK_OPTION)
    .action(status);
}

async function status(names: string[], options: CommonOptions): Promise<void> {
  const stack = openStack(options.stack);
  const plan = await stack.plan();
  for (const name of names) nodeNamed(name, plan.nodes);
  const nodes = plan.nodes.filter((node) => names.length === 0 || names.includes(node.name));
  const access = await openAccess(stack);
  const answers = await askHosts(withRelays(nodes, plan), access);
  const report = statusReport(nodes, access, answers);
  // With names, hosts that could prove a new key may not have been asked.
  const pending = names.length === 0 ? pendingKeys(plan, answers) : [];
  const outdated = await outdatedDevices(stack);
  const leaving = stack.mesh.issues.filter(isAboutActivity);
  const silent = silentNodes(report);
  process.exitCode = report.ok ? 0 : 1;
  const text = [
    statusText(report, outdated),
    silentText(silent),
    pendingText(pending),
    outdatedText(outdated, plan),
    leaving.length === 0 ? "" : `Left out, or soon to be:\n${formatIssues(leaving)}`,
  ];
  const json = {
    ...report,
    silent,
    pending,
    outdated,
    ...(leaving.length === 0 ? {} : { leaving }),
  };
  print(options, json, joinBlocks(text, "\n\n"));
}

/** A node without a host cannot be asked, but its relay can. */
function withRelays(nodes: readonly NodePlan[], plan: Plan): NodePlan[] {
  const relays = nodes.flatMap(({ hosts, relay }) => (hosts.length === 0 ? (relay ?? []) : []));
  return plan.nodes.filter((node) => nodes.includes(node) || relays.includes(node.name));
}
