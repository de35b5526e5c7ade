/** `remove-peer`: a peer and its private key out of the stack file. */
import type { Command } from "commander";
import { isMap, nearest } from "../../mesh/config/shape-issues";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh } from "../../mesh/mesh";
import { jumpRelays } from "../../mesh/plan/jump-relays";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { PushError } from "../push/push-error";
import { removeFromHost, type RemoveResult } from "../push/remove";
import { configPath } from "../stack/encrypt";
import { Failure } from "../stack/failure";
import { hostAccess, openAccess, type Access } from "../stack/network";
import { findStack, type Stack } from "../stack/project";
import { readConfigSoFar, reviewEdit } from "../stack/review-edit";
import { readStackFile, writeStackFile } from "../stack/stack-file";
import { removeIn } from "../stack/yaml-edit";
import { newCommand, print, say, STACK_OPTION, type CommonOptions } from "./command";

export function removePeerCommand(): Command {
  return newCommand("remove-peer <name>", {
    says: "Remove a peer and its private key from the stack file. The next `up` makes the relay forget it and cleans its machine.",
    examples: ["remove-peer laptop"],
  })
    .option(...STACK_OPTION)
    .option("--keep-host", "leave its machine as it is, where `up` could not clean it")
    .action(removePeer);
}

interface RemovePeerOptions extends CommonOptions {
  keepHost?: true;
}

async function removePeer(name: string, options: RemovePeerOptions): Promise<void> {
  const stack = findStack(options.stack);
  const text = readStackFile(stack.file);
  const before = readConfigSoFar(text, stack.file);
  refuse(name, before);
  const withoutKey = removeIn(text, configPath(["privateKeys", name]));
  const edited = removeIn(withoutKey, configPath(["peers", name]));
  reviewEdit(before, readConfigSoFar(edited, stack.file));
  const { plan } = readMesh(before, Date.now());
  const node = plan?.nodes.find((candidate) => candidate.name === name);
  const early = node !== undefined && jumpRelays(node).length > 0 && options.keepHost !== true;
  const cleaned = early && plan !== null ? await cleanNow(node, plan, stack) : null;
  writeStackFile(stack.file, edited);
  const next = consequences(name, node, cleaned);
  print(
    options,
    { ok: true, node: name, file: stack.file, cleaned: cleaned?.outcome ?? null, next },
    `${name} is out of ${stack.file}\n${next.map((line) => `  ${line}`).join("\n")}`,
  );
}

/**
 * A host that is reached through the tunnel alone is cleaned here and now: in the next `up` the relay forgets it first,
 * and then nobody can get there any more.
 */
async function cleanNow(node: NodePlan, plan: Plan, stack: Stack): Promise<RemoveResult> {
  say(`${node.name} is reached through the tunnel alone, so its machine is cleaned now...`);
  const access = await openAccess(stack, plan);
  const result = await removeThrough(node, access);
  if (result.note !== null) say(result.note);
  return result;
}

/** The relay on the way may not be there yet; then its peer's machine has nothing of ours. */
async function removeThrough(node: NodePlan, access: Access): Promise<RemoveResult> {
  try {
    return await removeFromHost(hostAccess(node, access));
  } catch (problem) {
    if (!(problem instanceof PushError)) throw problem;
    return { node: node.name, outcome: "failed", note: problem.message };
  }
}

/** A private key that was left alone is worth removing too. */
function refuse(name: string, config: RawConfig): void {
  const { peers, relays, privateKeys } = config;
  if (isMap(relays) && name in relays) {
    throw new Failure(
      `${name} is a relay, and its peers would lose their way`,
      "give them another relay first, then take it out of `relays` in the stack file",
    );
  }
  const names = [peers, privateKeys].flatMap((map) => (isMap(map) ? Object.keys(map) : []));
  if (!names.includes(name)) {
    const near = nearest(name, names);
    const known = names.length === 0 ? "there are no peers" : `peers: ${names.join(", ")}`;
    throw new Failure(
      `there is no peer ${JSON.stringify(name)}`,
      near === undefined ? known : `did you mean ${near}?`,
    );
  }
  const expects = (Array.isArray(config["expect"]) ? config["expect"] : []) as unknown[];
  const named = expects.findIndex(
    (entry) => isMap(entry) && (entry["from"] === name || entry["to"] === name),
  );
  if (named < 0) return;
  throw new Failure(`expect[${named}] speaks of ${name}`, "take that out of the stack file first");
}

function consequences(
  name: string,
  node: NodePlan | undefined,
  cleaned: RemoveResult | null,
): string[] {
  const lines = [
    "npx wireguard-mesh preview   # see what will change, on which machine",
    `npx wireguard-mesh up        # every node that has a link to ${name} forgets it`,
  ];
  if (cleaned !== null) return [...lines, OUTCOMES[cleaned.outcome]];
  if (node === undefined) return lines;
  if (node.hosts.length === 0) {
    return [...lines, `delete the config on ${name} itself: it was handed over, and only you can`];
  }
  if (jumpRelays(node).length > 0) return [...lines, "its machine is left as it is"];
  return [...lines, "the same up cleans its machine: no interface, file or unit stays there"];
}

const OUTCOMES: Record<RemoveResult["outcome"], string> = {
  removed: "its machine is clean: no interface, file or unit stays there",
  removing: "its machine cleans itself now: no interface, file or unit stays there",
  absent: "there was nothing of ours on its machine",
  left: "its machine was left as it is",
  failed: "its machine could not be cleaned: see above",
};
