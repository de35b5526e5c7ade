/** Carries out one step of a rotation on the stack file: reviewed before, written whole. */
import { publicKeyOf, isKey } from "../../../mesh/keys";
import { jumpRelays } from "../../../mesh/plan/jump-relays";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { Secret } from "../../../mesh/secret";
import { addSecrets, configPath, withSecrets } from "../../stack/encrypt";
import { askEngine, complaintOf, onStack } from "../../stack/engine";
import { Failure } from "../../stack/failure";
import { readPlan } from "../../stack/network";
import type { Stack } from "../../stack/project";
import { readConfigSoFar, reviewEdit } from "../../stack/review-edit";
import { NAMESPACE, readStackFile, writeStackFile } from "../../stack/stack-file";
import { setIn } from "../../stack/yaml-edit";
import { say } from "../command";
import { noSuchNode } from "../plan";
import { beginEdit, finishEdit, revokeEdit, type KeyEdit } from "./key-edits";
import type { PendingKey } from "./pending";
import { newKeyFor } from "./new-key";

/** Nothing to do where the node is between two keys already: then it is the rest of that which is wanted. */
export async function begin(
  name: string,
  stack: Stack,
  publicKey: string | undefined,
): Promise<void> {
  const { plan, node } = find(name, stack);
  if (node.nextPublicKey !== null) {
    if (publicKey === undefined || publicKey === node.nextPublicKey) return;
    throw new Failure(
      `${name} is between two keys already`,
      `bring that to its end first: npx wireguard-mesh rotate ${name}`,
    );
  }
  if (node.rotationPort !== null) throw portStands(node);
  if (await takeUpSecret(node, stack)) return;
  const key = await newKeyFor(node, plan, stack, publicKey);
  await write(stack, (text) => beginEdit(text, node, key, stack.file));
  say(`${name}: its next key is ${key.publicKey}, in ${stack.file}`);
}

/** The next keys of these nodes become their current ones. One without is there already: a run that was cut before its `up`. */
export async function finish(names: readonly string[], stack: Stack): Promise<void> {
  for (const name of names) {
    const { node } = find(name, stack);
    if (node.nextPublicKey === null) await takeUpSecret(node, stack);
    const { node: current } = find(name, stack);
    if (current.nextPublicKey === null) say(`${name} has one key only in ${stack.file}`);
    else await write(stack, (text) => ({ text: finishEdit(text, current), secrets: [] }));
  }
}

/** `cutOff`: also where hosts whose only way in leads through the tunnel lose it by that. */
export async function revoke(
  name: string,
  stack: Stack,
  { publicKey, cutOff }: { publicKey?: string; cutOff?: true },
): Promise<void> {
  const { plan, node } = find(name, stack);
  const lost = cutOff === true ? [] : cutOffBy(node, plan);
  if (lost.length > 0) throw wouldCutOff(node, lost);
  const key = await newKeyFor(node, plan, stack, publicKey);
  await write(stack, (text) => revokeEdit(text, node, key));
  say(`${name}: its only key is ${key.publicKey} now, in ${stack.file}`);
}

/**
 * A secret that was set by hand and fits no written key is a next key whose public half is not in the file: it is written
 * there. Only the engine can read it. True where there was one.
 */
async function takeUpSecret(node: NodePlan, stack: Stack): Promise<boolean> {
  if (node.custody !== "config") return false;
  const path = `${NAMESPACE}privateKeys.${node.name}`;
  const answer = await askEngine(stack.project, onStack(stack, "config", "get", "--path", path));
  if (answer.exitCode !== 0) {
    throw new Failure(
      `the engine did not give the private key of ${node.name}: ${complaintOf(answer)}`,
      `see that this works: pulumi config --stack ${stack.name}`,
    );
  }
  const secret = Secret.of(answer.stdout.trim());
  if (!isKey(secret.reveal()) || publicKeyOf(secret) === node.publicKey) return false;
  const field = configPath([`${node.kind}s`, node.name, "nextPublicKey"]);
  await write(stack, (text) => ({ text: setIn(text, field, publicKeyOf(secret)), secrets: [] }));
  return true;
}

async function write(stack: Stack, edit: (text: string) => KeyEdit): Promise<void> {
  const text = readStackFile(stack.file);
  const { text: edited, secrets } = edit(text);
  const before = readConfigSoFar(text, stack.file);
  reviewEdit(before, withSecrets(readConfigSoFar(edited, stack.file), secrets));
  writeStackFile(stack.file, await addSecrets(stack, edited, secrets));
}

/** As the file says now. */
function find(name: string, stack: Stack): { plan: Plan; node: NodePlan } {
  const plan = readPlan(stack);
  const node = plan.nodes.find((candidate) => candidate.name === name);
  if (node === undefined) throw noSuchNode(name, plan.nodes);
  return { plan, node };
}

/** Those that can be reached only by the old key of this node: the push that ends it comes before the one that brings the new one. */
export function cutOffBy({ name }: NodePlan, { nodes }: Plan): string[] {
  const isLost = (node: NodePlan) => {
    const relays = jumpRelays(node);
    return relays.length > 0 && (node.name === name || relays.every((relay) => relay === name));
  };
  return nodes.filter(isLost).map((node) => node.name);
}

/** Those of them that have not come over: a peer itself, and of a relay's neighbours those that it waits for. */
export function lostByFinish(pending: readonly PendingKey[], plan: Plan): string[] {
  return pending.flatMap(({ node: name, waitsFor }) => {
    const node = plan.nodes.find((candidate) => candidate.name === name);
    if (node === undefined || waitsFor.length === 0) return [];
    const missing = node.kind === "peer" ? [name] : waitsFor.map((one) => one.node);
    return cutOffBy(node, plan).filter((other) => missing.includes(other));
  });
}

function wouldCutOff({ name }: NodePlan, lost: string[]): Failure {
  return new Failure(
    `the tunnel is the only way to ${lost.join(", ")}, and it ends there with the old key of ${name}`,
    `end that key with an overlap of seconds: npx wireguard-mesh rotate ${name}; or give them another host in the list. ` +
      `To cut them off all the same: npx wireguard-mesh rotate ${name} --revoke --cut-off; to be rid of a machine: npx wireguard-mesh remove-peer NAME`,
  );
}

function portStands({ name, kind, rotationPort }: NodePlan): Failure {
  return new Failure(
    `devices that were configured during the last rotation of ${name} still use its port ${rotationPort ?? ""}, which would lead to another key`,
    `give them their new config (npx wireguard-mesh status lists them), remove rotationPort of ${kind}s.${name} from the stack file, run up, then rotate again`,
  );
}
