/** `plan`: the network that a stack file describes, without the engine and without its passphrase. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { hasErrors } from "../../mesh/config/issue";
import type { RawConfig } from "../../mesh/config/read-draft";
import { isMap } from "../../mesh/config/shape-issues";
import { readMesh, type Mesh } from "../../mesh/mesh";
import type { Plan } from "../../mesh/plan/plan";
import { renderFilter } from "../../mesh/render/filter";
import { renderRedacted, renderRedactedAlternate } from "../../mesh/render/render";
import { Secret } from "../../mesh/secret";
import { outdatedDeliveries } from "../../mesh/render/delivery";
import { joinBlocks, newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { outdatedText } from "../cli/report-text";
import { wrapLines } from "../cli/wrap";
import { Failure, findNode } from "../stack/failure";
import { openStack } from "../stack/open-stack";
import { readConfig } from "../stack/stack-file";
import { decode, readUserFile } from "../stack/user-file";
import { planJson } from "./plan/plan-json";
import { planText } from "./plan/plan-text";

interface PlanOptions extends CommonOptions {
  file?: string;
  reach?: true;
  configs?: true;
}

export function planCommand(): Command {
  return newCommand("plan [node]", {
    description:
      "Show the network that a stack file describes: its mistakes, its nodes and links, and which nodes can reach each other; with a node's name, that node's WireGuard file and nftables table. Needs neither the engine nor its passphrase.",
    examples: ["plan", "plan laptop", "plan --file Pulumi.dev.yaml --json --reach"],
  })
    .option(...STACK_OPTION)
    .option("-f, --file <file>", "read this stack file; - is stdin")
    .option(
      "--reach",
      "every ordered pair of which the first may start something to the second, with its path and, with a policy, the ports",
    )
    .option("--configs", "every node's WireGuard file, secrets as (hidden), and nftables table")
    .action(plan);
}

function plan(node: string | undefined, options: PlanOptions): void {
  const { text, where } = readInput(options);
  const config = readConfig(text, where);
  const mesh = readMesh(config, Date.now());
  process.exitCode = hasErrors(mesh.issues) ? 1 : 0;
  if (node !== undefined && mesh.plan !== null) printNode(node, mesh.plan, options);
  else printNetwork(mesh, config, options);
}

function printNode(name: string, { nodes, network }: Plan, options: PlanOptions): void {
  const node = findNode(name, nodes);
  const config = renderRedacted(node, network);
  const alternate = renderRedactedAlternate(node, network);
  const filter = renderFilter(node, network);
  const json = {
    ...{ node: name, config },
    ...(alternate === null ? {} : { alternate }),
    ...(filter === null ? {} : { filter }),
  };
  print(options, json, joinBlocks([config, alternate ?? "", filter ?? ""]).trimEnd());
}

function printNetwork(mesh: Mesh, config: RawConfig, options: PlanOptions): void {
  const parts = { reach: options.reach === true, configs: options.configs === true };
  const outdated = mesh.plan === null ? [] : outdatedDeliveries(mesh.plan, config["delivered"]);
  const text = [
    planText(mesh, parts),
    parts.configs ? "" : unreadNote(config),
    mesh.plan === null ? "" : outdatedText(outdated, mesh.plan),
  ];
  print(options, { ...planJson(mesh, parts.reach), outdated }, joinBlocks(text, "\n\n"));
}

/** A private key that does not match its public key begins a rotation, but `plan` cannot decrypt private keys. */
function unreadNote({ privateKeys }: RawConfig): string {
  if (!isMap(privateKeys) && !(privateKeys instanceof Secret)) return "";
  return wrapLines(
    "Private keys were not read: `preview` shows a rotation that was started by setting only a private key.",
  );
}

function readInput({ file, stack }: PlanOptions): { text: string; where: string } {
  if (file === "-") return { text: decode(readFileSync(0), "stdin"), where: "stdin" };
  if (file === undefined) {
    const opened = openStack(stack);
    return { text: opened.text, where: opened.file };
  }
  const text = readUserFile(file);
  if (text !== null) return { text, where: file };
  const remedy = "name another one with --file, or make one: npx wireguard-mesh init";
  throw new Failure(`there is no stack file ${file}`, remedy, 2);
}
