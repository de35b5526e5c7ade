/** `remove-peer`: removes a peer and its private key from the stack file. */
import type { Command } from "commander";
import { isMap, nearest } from "../../mesh/config/shape-issues";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh } from "../../mesh/mesh";
import { jumpRelays } from "../../mesh/plan/jump-relays";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { indented, newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { log } from "../log";
import { PushError } from "../push/push-error";
import { removeFromHost, type RemoveResult } from "../push/remove";
import { Failure } from "../stack/failure";
import { hostAccess, openAccess, type Access } from "../stack/host-access";
import { linkKeysOf } from "../stack/key-edits";
import { openStack, type OpenStack } from "../stack/open-stack";
import { configPath } from "../stack/stack-file";
import { commentAbove, removeIn } from "../stack/yaml-edit";

export function removePeerCommand(): Command {
  return newCommand("remove-peer <node>", {
    description:
      "Remove a peer and its private key from the stack file. The next `up` removes it from its relay and cleans its machine; a machine that is reached only through the tunnel is cleaned at once.",
    examples: ["remove-peer laptop"],
  })
    .option(...STACK_OPTION)
    .option(
      "--keep-host",
      "do not clean a machine that is reached only through the tunnel; `up` cannot do it later",
    )
    .action(removePeer);
}

interface RemovePeerOptions extends CommonOptions {
  keepHost?: true;
}

async function removePeer(name: string, options: RemovePeerOptions): Promise<void> {
  const stack = openStack(options.stack);
  const before = stack.configSoFar;
  refuse(name, before);
  const path = configPath(["peers", name]);
  let comment: number | null = null;
  const edit = (text: string) => {
    // With `delivered`: otherwise the config of a later device with this name would seem outdated.
    const paths = [["privateKeys", name], ["delivered", name], ...linkKeysOf(text, name)];
    const keyless = paths.map(configPath).reduce(removeIn, text);
    comment = commentAbove(keyless, path);
    return { text: removeIn(keyless, path) };
  };
  stack.review(edit);
  const { plan } = readMesh(before, Date.now());
  const node = plan?.nodes.find((candidate) => candidate.name === name);
  const early = node !== undefined && jumpRelays(node).length > 0 && options.keepHost !== true;
  const cleaned = early && plan !== null ? await cleanNow(node, plan, stack) : null;
  await stack.edit(edit);
  const next = [...consequences(name, node, cleaned), ...commentNote(name, comment)];
  print(
    options,
    { ok: true, node: name, file: stack.file, cleaned: cleaned?.outcome ?? null, next },
    `${name} was removed from ${stack.file}\n${indented(next)}`,
  );
}

/**
 * Cleans a host that is reached only through the tunnel. The next `up` would be too late: it removes the peer from the relay
 * first, which makes the host unreachable.
 */
async function cleanNow(node: NodePlan, plan: Plan, stack: OpenStack): Promise<RemoveResult> {
  log(`${node.name} is reached only through the tunnel, so its machine is cleaned now...`);
  const result = await removeThrough(node, await openAccess(stack, plan));
  if (result.note !== null) log(result.note);
  return result;
}

/** A failure is reported, not thrown: if the jump relay does not exist yet, nothing is installed on the host. */
async function removeThrough(node: NodePlan, access: Access): Promise<RemoveResult> {
  try {
    return await removeFromHost(hostAccess(node, access));
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    return { node: node.name, outcome: "failed", note: error.message };
  }
}

/** A private key without a peer can be removed too. */
function refuse(name: string, config: RawConfig): void {
  const { peers, relays, privateKeys } = config;
  if (isMap(relays) && Object.hasOwn(relays, name)) {
    throw new Failure(
      `${name} is a relay, and its peers would lose their connection`,
      "give them another relay first, then remove it from `relays` in the stack file",
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
  for (const key of ["policy", "expect"]) {
    const entries = (Array.isArray(config[key]) ? config[key] : []) as unknown[];
    const named = entries.findIndex(
      (entry) => isMap(entry) && [entry["from"], entry["to"]].flat().includes(name),
    );
    if (named >= 0)
      throw new Failure(`${key}[${named}] names ${name}`, "remove that from the stack file first");
  }
}

function consequences(
  name: string,
  node: NodePlan | undefined,
  cleaned: RemoveResult | null,
): string[] {
  const lines = [
    "npx wireguard-mesh preview   # see what will change on which machine",
    `npx wireguard-mesh up        # removes ${name} from every node that has a link to it`,
  ];
  if (cleaned !== null) return [...lines, OUTCOMES[cleaned.outcome]];
  if (node === undefined) return lines;
  if (node.hosts.length === 0) {
    return [...lines, `delete the config on ${name} yourself: \`up\` cannot reach it`];
  }
  if (jumpRelays(node).length > 0) return [...lines, "its machine is left as it is"];
  return [...lines, "the same up cleans its machine: no interface, file or unit stays there"];
}

/** A comment above the peer, which may be about other peers too. It is not printed, because it may hold a plain-text key. */
function commentNote(name: string, line: number | null): string[] {
  if (line === null) return [];
  return [
    `the comment above it, in line ${line}, was left: remove it if it was about ${name} only`,
  ];
}

const OUTCOMES: Record<RemoveResult["outcome"], string> = {
  removed: "its machine is clean: no interface, file or unit stays there",
  removing: "its machine is being cleaned: no interface, file or unit will stay there",
  absent: "nothing was installed on its machine",
  left: "its machine was left as it is",
  failed: "its machine could not be cleaned: see above",
};
