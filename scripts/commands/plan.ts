/** `plan`: the network as the stack file describes it, without engine and without passphrase. */
import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { hasErrors } from "../../mesh/config/issue";
import type { RawConfig } from "../../mesh/config/read-draft";
import { isMap } from "../../mesh/config/shape-issues";
import { readMesh } from "../../mesh/mesh";
import { renderRedacted, renderRedactedAlternate } from "../../mesh/render/render";
import { Secret } from "../../mesh/secret";
import { outdatedDeliveries } from "../../mesh/render/delivery";
import { outdatedText } from "../stack/delivered";
import { Failure } from "../stack/failure";
import { findStack } from "../stack/project";
import { readConfig } from "../stack/stack-file";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "./command";
import { planJson } from "./plan/plan-json";
import { planText } from "./plan/plan-text";

interface PlanOptions extends CommonOptions {
  file?: string;
  reach?: true;
  configs?: true;
}

export function planCommand(): Command {
  return newCommand("plan [node]", {
    says: "Show the network that a stack file describes: what is wrong with it, its nodes and links, who reaches whom, and with a node's name that node's WireGuard file. Needs neither engine nor passphrase.",
    examples: ["plan", "plan laptop", "plan --file Pulumi.dev.yaml --json --reach"],
  })
    .option(...STACK_OPTION)
    .option("-f, --file <file>", "read this stack file; - is stdin")
    .option("--reach", "every ordered pair that can talk, with the way it takes")
    .option("--configs", "every node's WireGuard file, secrets as (hidden)")
    .action(plan);
}

function plan(node: string | undefined, options: PlanOptions): void {
  const { text, where } = readInput(options);
  const config = readConfig(text, where);
  const mesh = readMesh(config, Date.now());
  process.exitCode = hasErrors(mesh.issues) ? 1 : 0;
  if (node !== undefined && mesh.plan !== null) {
    const found = mesh.plan.nodes.find((candidate) => candidate.name === node);
    if (found === undefined) throw noSuchNode(node, mesh.plan.nodes);
    const first = renderRedacted(found, mesh.plan.network);
    const second = renderRedactedAlternate(found, mesh.plan.network);
    const alternate = second === null ? {} : { alternate: second };
    print(
      options,
      { node, config: first, ...alternate },
      [first, second ?? ""].join("\n").trimEnd(),
    );
    return;
  }
  const parts = { reach: options.reach === true, configs: options.configs === true };
  const outdated = mesh.plan === null ? [] : outdatedDeliveries(mesh.plan, config["delivered"]);
  const blocks = [
    planText(mesh, parts),
    parts.configs ? "" : unreadNote(config),
    mesh.plan === null ? "" : outdatedText(outdated, mesh.plan),
  ];
  const shown = blocks.filter((block) => block !== "").join("\n\n");
  print(options, { ...planJson(mesh, parts.reach), outdated }, shown);
}

/** Whether a private key fits its public one, only the engine can tell: one that does not is a rotation. */
function unreadNote({ privateKeys }: RawConfig): string {
  if (!isMap(privateKeys) && !(privateKeys instanceof Secret)) return "";
  return "Private keys were not read here: a rotation that was begun by setting one alone shows in `preview`.";
}

/** A node that takes no part, or that nobody ever wrote down. */
export function noSuchNode(name: string, nodes: readonly { name: string }[]): Failure {
  const names = nodes.map((node) => node.name).join(", ");
  return new Failure(
    `the network has no node ${JSON.stringify(name)}`,
    names === "" ? "it has no nodes yet: npx wireguard-mesh add-peer NAME" : `its nodes: ${names}`,
  );
}

function readInput(options: PlanOptions): { text: string; where: string } {
  if (options.file === "-") return { text: readFileSync(0, "utf8"), where: "stdin" };
  const path = options.file ?? findStack(options.stack).file;
  try {
    return { text: readFileSync(path, "utf8"), where: path };
  } catch (problem) {
    const reason = problem instanceof Error && "code" in problem ? problem.code : undefined;
    const what = reason === "ENOENT" ? "there is no stack file" : "cannot read the stack file";
    throw new Failure(
      `${what} ${path}`,
      "name it with --file, or make one: npx wireguard-mesh init",
      2,
    );
  }
}
