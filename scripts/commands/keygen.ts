/** `keygen`: makes a key pair on the node's own host, which keeps the private key. */
import type { Command } from "commander";
import { isMap } from "../../mesh/config/shape-issues";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh } from "../../mesh/mesh";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "../cli/command";
import { Failure, findNode, noSuchNode } from "../stack/failure";
import { makeKeyPair } from "../stack/new-node";
import { openStack, type OpenStack } from "../stack/open-stack";
import { makeKeyOnHost } from "../stack/rotation-steps";
import { configPath, readConfigSoFar } from "../stack/stack-file";
import { removeIn, setIn } from "../stack/yaml-edit";

export function keygenCommand(): Command {
  return newCommand("keygen <node>", {
    description:
      "Make a node's private key on its own host, over SSH: it stays there, and only the public key is written to the stack file; as publicKey of a node that has none, else as nextPublicKey, which begins a rotation.",
    examples: ["keygen nas"],
  })
    .option(...STACK_OPTION)
    .action(keygen);
}

async function keygen(name: string, options: CommonOptions): Promise<void> {
  const stack = openStack(options.stack);
  const { group, isNew } = placeOf(name, stack.configSoFar);
  const field = configPath([group, name, isNew ? "publicKey" : "nextPublicKey"]);
  const plan = isNew ? planWithKey(stack, field) : stack.filePlan();
  // stack.plan() also has the rotations that were started by setting only a private key.
  refuse(findNode(name, isNew ? plan.nodes : (await stack.plan()).nodes));
  const edit = (key: string) => (text: string) => ({
    text: removeIn(setIn(text, field, key), configPath(["privateKeys", name])),
  });
  stack.review(edit(makeKeyPair().publicKey));
  const publicKey = await makeKeyOnHost(findNode(name, plan.nodes), plan, stack);
  await stack.edit(edit(publicKey));
  const next = isNew ? "npx wireguard-mesh up" : `npx wireguard-mesh rotate ${name}`;
  print(
    options,
    { ok: true, node: name, publicKey, field: field.at(-1), file: stack.file, next: [next] },
    `a key pair was made on the host of ${name}; its public key ${publicKey} is in ${stack.file}\n  ${next}   # to use it`,
  );
}

/** The config section of the node, and whether the node has no public key yet. */
function placeOf(name: string, config: RawConfig): { group: string; isNew: boolean } {
  for (const group of ["relays", "peers"]) {
    const nodes = config[group];
    const node = isMap(nodes) && Object.hasOwn(nodes, name) ? nodes[name] : undefined;
    if (!isMap(node)) continue;
    return { group, isNew: node["publicKey"] === undefined || node["publicKey"] === null };
  }
  const known = ["relays", "peers"].flatMap((group) =>
    isMap(config[group]) ? Object.keys(config[group]) : [],
  );
  throw noSuchNode(name, known);
}

/** A plan needs a public key for each node, so this node gets a temporary one; the plan is used to log in to the host. */
function planWithKey({ text, file }: OpenStack, field: string[]): Plan {
  const completed = setIn(text, field, makeKeyPair().publicKey);
  const { plan } = readMesh(readConfigSoFar(completed, file), Date.now());
  if (plan === null) throw new Failure("the config has mistakes", "see: npx wireguard-mesh plan");
  return plan;
}

function refuse(node: NodePlan): void {
  if (node.hosts.length === 0) {
    throw new Failure(
      `${node.name} is not pushed to, so no key can be made on it from here`,
      `make a pair on the device, and give its public key: npx wireguard-mesh rotate ${node.name} --public-key KEY`,
    );
  }
  if (node.nextPublicKey !== null) {
    throw new Failure(
      `the last rotation of ${node.name} is not finished`,
      `npx wireguard-mesh rotate ${node.name}`,
    );
  }
}
