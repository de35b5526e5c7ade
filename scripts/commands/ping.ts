/** `ping`: pings each hop on the path from one node to another. */
import type { Command } from "commander";
import { findTarget, pathTo } from "../../mesh/doctor/trace";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { Failure, findNode, noSuchNode } from "../stack/failure";
import { openAccess } from "../stack/host-access";
import { openStack } from "../stack/open-stack";
import { trace } from "../stack/trace";
import { pingText } from "./ping/ping-text";

export function pingCommand(): Command {
  return newCommand("ping <from> <to>", {
    description:
      "Ping one node from another through the tunnel. It shows each hop with its latency, in the tunnel and outside of it, and where the ping is lost. The target may also be an address in a LAN behind a node. Changes nothing.",
    examples: ["ping laptop nas", "ping laptop 192.168.1.50", "ping laptop nas --json"],
  })
    .option(...STACK_OPTION)
    .action(ping);
}

async function ping(fromName: string, toName: string, options: CommonOptions): Promise<void> {
  const stack = openStack(options.stack);
  const plan = await stack.plan();
  const from = findNode(fromName, plan.nodes);
  const target = findTarget(toName, plan);
  if (target === null) {
    throw noSuchNode(
      toName,
      plan.nodes.map(({ name }) => name),
    );
  }
  if (from === target.node) throw new Failure("that is the same node", "name another one", 2);
  if (from.hosts.length === 0) {
    const back = target.node.hosts.length === 0 ? "status" : `ping ${target.node.name} ${fromName}`;
    throw new Failure(
      `${fromName} has no host, so it cannot send a ping for this command`,
      `the other way round: npx wireguard-mesh ${back}`,
      2,
    );
  }
  const path = pathTo(from, target, plan);
  if (path === null) {
    throw new Failure(
      `the plan has no way from ${fromName} to ${toName}`,
      "to see who reaches whom: npx wireguard-mesh plan --reach",
    );
  }
  const report = await trace(path, target, await openAccess(stack));
  process.exitCode = report.ok ? 0 : 1;
  print(options, report, pingText(report));
}
