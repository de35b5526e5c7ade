/** `keygen`: a key pair that is made on the node's own host, of which only the public half comes back. */
import type { Command } from "commander";
import { isMap } from "../../mesh/config/shape-issues";
import type { RawConfig } from "../../mesh/config/read-draft";
import { readMesh } from "../../mesh/mesh";
import type { NodePlan } from "../../mesh/plan/plan";
import { configPath } from "../stack/encrypt";
import { Failure } from "../stack/failure";
import { makeKeyPair } from "../stack/key-pair";
import { readPlan } from "../stack/network";
import { findStack } from "../stack/project";
import { readConfigSoFar, reviewEdit } from "../stack/review-edit";
import { readStackFile, writeStackFile } from "../stack/stack-file";
import { removeIn, setIn } from "../stack/yaml-edit";
import { newCommand, print, STACK_OPTION, type CommonOptions } from "./command";
import { lastOutputs } from "./last-outputs";
import { noSuchNode } from "./plan";
import { keyMadeOn } from "./rotate/new-key";

export function keygenCommand(): Command {
  return newCommand("keygen <node>", {
    says: "Make a node's private key on its own host, over SSH: it stays there, and only the public key comes back into the stack file; as publicKey of a node that has none, else as nextPublicKey, which begins a rotation.",
    examples: ["keygen nas"],
  })
    .option(...STACK_OPTION)
    .action(keygen);
}

async function keygen(name: string, options: CommonOptions): Promise<void> {
  const stack = findStack(options.stack);
  const text = readStackFile(stack.file);
  const before = readConfigSoFar(text, stack.file);
  const { group, isNew } = placeOf(name, before);
  const field = configPath([group, name, isNew ? "publicKey" : "nextPublicKey"]);
  // A way onto the host takes a plan, and a plan takes a key: any will do for that.
  const readable = isNew ? setIn(text, field, makeKeyPair().publicKey) : text;
  const { plan } = readMesh(readConfigSoFar(readable, stack.file), Date.now());
  if (plan === null) throw new Failure("the config has mistakes", "see: npx wireguard-mesh plan");
  const node = plan.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw noSuchNode(name, plan.nodes);
  // A rotation that was begun by a secret alone: hosts have a key that only the last outputs tell.
  const known = isNew ? undefined : readPlan(stack, await lastOutputs(stack));
  refuse(known?.nodes.find((candidate) => candidate.name === name) ?? node);
  const publicKey = await keyMadeOn(node, plan, stack);
  const edited = removeIn(setIn(text, field, publicKey), configPath(["privateKeys", name]));
  reviewEdit(before, readConfigSoFar(edited, stack.file));
  writeStackFile(stack.file, edited);
  const next = isNew ? "npx wireguard-mesh up" : `npx wireguard-mesh rotate ${name}`;
  print(
    options,
    { ok: true, node: name, publicKey, field: field.at(-1), file: stack.file, next: [next] },
    `${name} has made a key pair; its public key ${publicKey} is in ${stack.file}\n  ${next}   # puts it to use`,
  );
}

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
  throw noSuchNode(
    name,
    known.map((one) => ({ name: one })),
  );
}

function refuse(node: NodePlan): void {
  if (node.hosts.length === 0) {
    throw new Failure(
      `${node.name} is not pushed to, so nothing can be made there from here`,
      `make a pair on the device, and give the public key: npx wireguard-mesh rotate ${node.name} --public-key KEY`,
    );
  }
  if (node.nextPublicKey !== null || (node.kind === "relay" && node.rotationPort !== null)) {
    throw new Failure(
      `the last rotation of ${node.name} has not come to its end`,
      `npx wireguard-mesh rotate ${node.name}`,
    );
  }
}
