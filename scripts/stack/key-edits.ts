/** The steps of a key rotation as edits of the stack file, its only record. A rotation can stop after any of them. */
import { defaultRotationPort } from "../../mesh/config/config";
import { linkedNodes } from "../../mesh/config/link-keys";
import { isMap } from "../../mesh/config/shape-issues";
import type { NodePlan } from "../../mesh/plan/plan";
import { hasSecondInterface } from "../../mesh/plan/rotation";
import type { Secret } from "../../mesh/secret";
import { ciphertextAt, type NewSecret } from "./config-secrets";
import { makeSeed } from "./new-node";
import type { StackEdit } from "./open-stack";
import { configPath } from "./stack-file";
import { removeIn, setIn, valueIn } from "./yaml-edit";

export interface NewKey {
  publicKey: string;
  /** Null where the host or the device keeps it. */
  privateKey: Secret | null;
}

/** Adds the new key as the next one. */
export function beginEdit(text: string, node: NodePlan, key: NewKey, where: string): StackEdit {
  const kept = withOldPrivateKey(text, node, key, where);
  const edited = setIn(kept, pathOf(node, "nextPublicKey"), key.publicKey);
  return withPrivateKey(edited, node, key);
}

/** Makes the next key the current one. A relay keeps serving it at the same port, which becomes the listen port. */
export function finishEdit(text: string, node: NodePlan): StackEdit {
  const { nextPublicKey, name } = node;
  if (nextPublicKey === null) return { text };
  const current = setIn(text, pathOf(node, "publicKey"), nextPublicKey);
  const single = removeIn(current, pathOf(node, "nextPublicKey"));
  const edited = withoutFormerKey(single, name);
  return { text: hasSecondInterface(node) ? swapPorts(edited, node) : edited };
}

/** Swaps the listen port and the rotation port. */
function swapPorts(text: string, node: NodePlan): string {
  const { listenPort, rotationPort } = node;
  if (listenPort === null || rotationPort === null) return text;
  const listening = setIn(text, pathOf(node, "listenPort"), rotationPort);
  const dialled = ["endpoint", "siteEndpoint"].reduce(
    (edited, field) => withPort(edited, pathOf(node, field), rotationPort),
    listening,
  );
  return listenPort === defaultRotationPort(rotationPort)
    ? removeIn(dialled, pathOf(node, "rotationPort"))
    : setIn(dialled, pathOf(node, "rotationPort"), listenPort);
}

/** Replaces the port of a written `HOST:PORT`. */
function withPort(text: string, path: readonly string[], port: number): string {
  const value = valueIn(text, path);
  return typeof value === "string" ? setIn(text, path, value.replace(/\d+$/, String(port))) : text;
}

/**
 * Reverses a rotation: the next key becomes the current one, and the former key the next one. Null if the stack no longer has
 * the former private key.
 */
export function reverseEdit(text: string, node: NodePlan, where: string): StackEdit | null {
  const { name, publicKey, nextPublicKey, custody } = node;
  if (nextPublicKey === null) return { text };
  const keys = setIn(text, pathOf(node, "publicKey"), nextPublicKey);
  const turned = setIn(keys, pathOf(node, "nextPublicKey"), publicKey);
  const edited = hasSecondInterface(node) ? swapPorts(turned, node) : turned;
  if (custody !== "config") return { text: edited };
  const own = ["privateKeys", name];
  const former = ["formerPrivateKeys", name];
  const ownSecret = ciphertextAt(text, own, where);
  const formerSecret = ciphertextAt(text, former, where);
  if (ownSecret === null || formerSecret === null) return null;
  const swapped = setIn(edited, configPath(own), { secure: formerSecret });
  return { text: setIn(swapped, configPath(former), { secure: ownSecret }) };
}

/** Replaces all keys of the node by the new one. */
export function revokeEdit(text: string, node: NodePlan, key: NewKey): StackEdit {
  const single = removeIn(withoutFormerKey(text, node.name), pathOf(node, "nextPublicKey"));
  const edit = withPrivateKey(setIn(single, pathOf(node, "publicKey"), key.publicKey), node, key);
  return { ...edit, secrets: [...(edit.secrets ?? []), ...newLinkKeys(text, node.name)] };
}

/** A leaked private key implies that the preshared keys of its links leaked too. */
function newLinkKeys(text: string, name: string): NewSecret[] {
  return linkKeysOf(text, name).map((path) => ({ path, value: makeSeed() }));
}

/** The entries of `presharedKeys` for the links of a node. */
export function linkKeysOf(text: string, name: string): string[][] {
  const entries = valueIn(text, configPath(["presharedKeys"]));
  return Object.keys(isMap(entries) ? entries : {})
    .filter((entry) => linkedNodes(entry)?.includes(name) === true)
    .map((entry) => ["presharedKeys", entry]);
}

/** Removes the key, and the map if it becomes empty. */
function withoutFormerKey(text: string, name: string): string {
  const map = configPath(["formerPrivateKeys"]);
  const edited = removeIn(text, [...map, name]);
  return edited === text || !isEmptyMap(valueIn(edited, map)) ? edited : removeIn(edited, map);
}

function isEmptyMap(value: unknown): boolean {
  return isMap(value) && Object.keys(value).length === 0;
}

/** Replaces the private key in the stack; removes it if the new one is kept on the host or the device. */
function withPrivateKey(text: string, node: NodePlan, { privateKey }: NewKey): StackEdit {
  const path = ["privateKeys", node.name];
  if (privateKey === null) return { text: removeIn(text, configPath(path)) };
  return { text, secrets: [{ path, value: privateKey }] };
}

/** Keeps the old private key, which a relay still uses, and which `--cancel` restores, by moving its ciphertext. */
function withOldPrivateKey(text: string, node: NodePlan, key: NewKey, where: string): string {
  if (key.privateKey === null) return text;
  const secure = ciphertextAt(text, ["privateKeys", node.name], where);
  return secure === null
    ? text
    : setIn(text, configPath(["formerPrivateKeys", node.name]), { secure });
}

function pathOf(node: NodePlan, field: string): string[] {
  return configPath([`${node.kind}s`, node.name, field]);
}
