/** The steps of a key rotation on the stack file: begin, finish, revoke. */
import { Mistake } from "../../mesh/config/mistake";
import { parsePublicKey } from "../../mesh/config/values";
import { isKey } from "../../mesh/key-text";
import { publicKeyOf } from "../../mesh/keys";
import { jumpRelays } from "../../mesh/plan/jump-relays";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { hasSecondInterface } from "../../mesh/plan/rotation";
import { Secret } from "../../mesh/secret";
import { log } from "../log";
import { makeOwnKey } from "../push/own-key";
import { PushError } from "../push/push-error";
import { decrypt } from "./config-secrets";
import { Failure, findNode } from "./failure";
import { hostAccess, openAccess } from "./host-access";
import { beginEdit, finishEdit, reverseEdit, revokeEdit, type NewKey } from "./key-edits";
import { makeKeyPair } from "./new-node";
import type { OpenStack, StackEdit } from "./open-stack";
import type { PendingKey } from "./pending-keys";
import { withoutQueued } from "./rotation-queue";
import { configPath } from "./stack-file";
import { setIn } from "./yaml-edit";

/**
 * Writes a next key. Does nothing if the node already has one, unless it differs from `publicKey`.
 * @throws Failure when a rotation with another key is in progress.
 */
export async function beginRotation(
  name: string,
  stack: OpenStack,
  publicKey: string | undefined,
): Promise<void> {
  const node = findNode(name, stack.filePlan().nodes);
  if (node.nextPublicKey !== null) {
    if (publicKey === undefined || publicKey === node.nextPublicKey) return;
    throw inProgress(node);
  }
  if (await writeNextKeyOfSecret(node, stack)) return;
  checkEdit(node, stack, (text, key) => beginEdit(text, node, key, stack.file));
  const key = await newKeyFor(node, stack, publicKey);
  await stack.edit((text, plan) => {
    const current = findNode(name, plan().nodes);
    if (current.nextPublicKey !== null) throw inProgress(current);
    return beginEdit(text, current, key, stack.file);
  });
  log(`${name}: its next key is ${key.publicKey}, in ${stack.file}`);
  const note = portNote(findNode(name, stack.filePlan().nodes));
  if (note !== null) log(note);
}

/** Called before a host makes a key. @throws Failure when the key could not be written to the stack file. */
function checkEdit(
  node: NodePlan,
  stack: OpenStack,
  edit: (text: string, key: NewKey) => StackEdit,
): void {
  if (node.custody !== "host") return;
  const { publicKey } = makeKeyPair();
  stack.review((text) => edit(text, { publicKey, privateKey: null }));
}

/** A note about the UDP port that must be open before a relay's rotation. On EC2 the program opens it. */
function portNote(node: NodePlan): string | null {
  const { name, ec2, listenPort, rotationPort } = node;
  if (!hasSecondInterface(node) || ec2 !== null) return null;
  return `${name}: its next key is at UDP port ${rotationPort ?? 0}, which must be open in its firewall and its provider's, as ${listenPort ?? 0} is.\n  A peer that cannot shake hands there keeps the old key, and is named.`;
}

/** Makes the next keys of the nodes their current ones. A node without a next key was finished by an interrupted run. */
export async function finishRotation(names: readonly string[], stack: OpenStack): Promise<void> {
  for (const name of names) {
    const node = findNode(name, stack.filePlan().nodes);
    if (node.nextPublicKey === null) await writeNextKeyOfSecret(node, stack);
    await stack.edit((text, plan) => {
      const current = findNode(name, plan().nodes);
      if (current.nextPublicKey === null) log(`${name} has only one key in ${stack.file}`);
      if (hasSecondInterface(current) && current.ec2 === null) log(portsAfter(current));
      const { text: finished } = finishEdit(text, current);
      return { text: withoutQueued(finished, name) };
    });
  }
}

function portsAfter({ name, listenPort, rotationPort }: NodePlan): string {
  return `${name}: UDP port ${rotationPort ?? 0} is its port from now on; its next rotation goes back to ${listenPort ?? 0}, so leave both open`;
}

/**
 * Reverses the rotation of a node, so that all neighbours go back to its former key.
 * @throws Failure if there is no rotation, or the former private key is lost.
 */
export async function reverseRotation(name: string, stack: OpenStack): Promise<void> {
  await stack.edit((text, plan) => {
    const node = findNode(name, plan().nodes);
    if (node.nextPublicKey === null) throw notRotating(node);
    const isOnHost = node.custody === "host" && node.kind === "peer";
    const edit = isOnHost ? null : reverseEdit(text, node, stack.file);
    if (edit === null) throw formerKeyLost(node, isOnHost);
    return edit;
  });
  log(`${name}: goes back to its former key, in ${stack.file}`);
}

/**
 * Replaces the keys of a node by a new one at once.
 * @throws Failure, unless `cutOff` is set, when hosts would be unreachable from then on.
 */
export async function revokeKeys(
  name: string,
  stack: OpenStack,
  { publicKey, cutOff }: { publicKey?: string; cutOff?: true },
): Promise<void> {
  const plan = stack.filePlan();
  const node = findNode(name, plan.nodes);
  const lost = cutOff === true ? [] : cutOffBy(node, plan);
  if (lost.length > 0) throw wouldCutOff(node, lost);
  checkEdit(node, stack, (text, key) => revokeEdit(text, node, key));
  const key = await newKeyFor(node, stack, publicKey);
  await stack.edit((text) => revokeEdit(text, node, key));
  log(`${name}: its only key is now ${key.publicKey}, in ${stack.file}`);
}

/**
 * A private key that was set by hand and matches no public key in the file is the node's next key. Only the engine can read it;
 * its public half is written to the file. Returns whether there was one.
 */
async function writeNextKeyOfSecret(node: NodePlan, stack: OpenStack): Promise<boolean> {
  if (node.custody !== "config") return false;
  const secret = Secret.of((await decrypt(stack, ["privateKeys", node.name])).reveal().trim());
  if (!isKey(secret.reveal()) || publicKeyOf(secret) === node.publicKey) return false;
  const field = configPath([`${node.kind}s`, node.name, "nextPublicKey"]);
  await stack.edit((text) => ({ text: setIn(text, field, publicKeyOf(secret)) }));
  return true;
}

/** A new key pair, made where the node's private key is kept. `given`: the public key of a device that has made its own. */
async function newKeyFor(
  node: NodePlan,
  stack: OpenStack,
  given: string | undefined,
): Promise<NewKey> {
  if (given !== undefined) {
    if (node.hosts.length > 0) throw isPushedTo(node);
    return { publicKey: parseGiven(given), privateKey: null };
  }
  switch (node.custody) {
    case "config":
      return makeKeyPair();
    case "host":
      return { publicKey: await makeKeyOnHost(node, stack.filePlan(), stack), privateKey: null };
    case "device":
      throw new Failure(
        `${node.name} keeps its own private key, so only it can make a new one`,
        `make a pair there (wg genkey | tee key | wg pubkey), and give its public key: npx wireguard-mesh rotate ${node.name} --public-key KEY`,
        2,
      );
  }
}

/** A push could not install the private key, so the host could never use the new public key. */
function isPushedTo({ name }: NodePlan): Failure {
  return new Failure(
    `${name} is pushed to, so its key is made by the stack, or on its host`,
    `npx wireguard-mesh rotate ${name}; to make it on the host and keep it there: npx wireguard-mesh keygen ${name}`,
    2,
  );
}

function parseGiven(text: string): string {
  try {
    return parsePublicKey(text);
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    throw new Failure(`--public-key ${error.message}`, error.remedy, 2);
  }
}

/**
 * Makes a key pair on the node's host, where the private key stays; returns the public key.
 * @throws Failure when the host cannot be reached.
 */
export async function makeKeyOnHost(node: NodePlan, plan: Plan, stack: OpenStack): Promise<string> {
  try {
    return await makeOwnKey(hostAccess(node, await openAccess(stack, plan)));
  } catch (error) {
    if (error instanceof PushError) throw new Failure(error.message);
    throw error;
  }
}

/** The hosts that are reached only through a tunnel with this node's old key, and would be unreachable without it. */
export function cutOffBy({ name }: NodePlan, { nodes }: Plan): string[] {
  const isLost = (node: NodePlan) => {
    const relays = jumpRelays(node);
    return relays.length > 0 && (node.name === name || relays.every((relay) => relay === name));
  };
  return nodes.filter(isLost).map((node) => node.name);
}

/** The hosts of `cutOffBy` that do not use the new key yet: the rotating peer itself, or neighbours of a relay. */
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
    `${lost.join(", ")} can only be reached through the tunnel, which ends there with the old key of ${name}`,
    `rotate with an overlap of seconds: npx wireguard-mesh rotate ${name}; or add another host to their lists. ` +
      `To cut them off anyway: npx wireguard-mesh rotate ${name} --revoke --cut-off; to give up a machine: npx wireguard-mesh remove-peer NAME`,
  );
}

function notRotating({ name }: NodePlan): Failure {
  return new Failure(
    `${name} has only one key, so there is no rotation to give up`,
    "for a new key: npx wireguard-mesh rotate " + name,
  );
}

function formerKeyLost({ name }: NodePlan, isOnHost: boolean): Failure {
  return new Failure(
    isOnHost
      ? `the private key of ${name} is made and kept on its host, which keeps only the newest`
      : `the former private key of ${name} is not in the stack file`,
    `finish the rotation instead: npx wireguard-mesh rotate ${name}`,
  );
}

function inProgress({ name }: NodePlan): Failure {
  return new Failure(
    `a key rotation of ${name} is in progress`,
    `finish that first: npx wireguard-mesh rotate ${name}`,
  );
}
