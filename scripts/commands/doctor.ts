/** `doctor`: finds the causes of problems, and their remedies. */
import type { Command } from "commander";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { examine } from "../stack/examine";
import { findNode } from "../stack/failure";
import { openStack } from "../stack/open-stack";
import { doctorReport } from "./doctor/doctor-report";
import { doctorText } from "./doctor/doctor-text";

export function doctorCommand(): Command {
  return newCommand("doctor [nodes...]", {
    description:
      "Find out why a node does not work: the first cause on each node, with its remedy. It checks the login, the clock, addresses, keys, firewalls, every tunnel with pings of all sizes, and the files for the next boot. Without names it examines all hosts; with two names, also whether the first may reach the second. Changes nothing.",
    examples: ["doctor", "doctor laptop", "doctor laptop nas", "doctor --json"],
  })
    .option(...STACK_OPTION)
    .action(doctor);
}

async function doctor(names: string[], options: CommonOptions): Promise<void> {
  const stack = openStack(options.stack);
  const { nodes } = await stack.plan();
  for (const name of names) findNode(name, nodes);
  const report = doctorReport(await examine(stack, names));
  process.exitCode = report.ok ? 0 : 1;
  print(options, report, doctorText(report));
}
