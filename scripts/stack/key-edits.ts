/** The steps of a key rotation as edits of the stack file, its only record. A rotation can stop after any of them. */
import type { NodePlan } from "../../mesh/plan/plan";
import type { Secret } from "../../mesh/secret";
import { ciphertextAt } from "./config-secrets";
import type { StackEdit } from "./open-stack";
import { configPath } from "./stack-file";
import { removeIn, setIn } from "./yaml-edit";

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

/**
 * Makes the next key the current one. A relay keeps the port of its second interface, because devices that were configured
 * during the rotation use it.
 */
export function finishEdit(text: string, node: NodePlan): StackEdit {
  const { nextPublicKey, rotationPort, name } = node;
  if (nextPublicKey === null) return { text };
  const current = setIn(text, pathOf(node, "publicKey"), nextPublicKey);
  const single = removeIn(current, pathOf(node, "nextPublicKey"));
  if (node.kind === "peer" || rotationPort === null) return { text: single };
  const withPort = setIn(single, pathOf(node, "rotationPort"), rotationPort);
  return { text: removeIn(withPort, configPath(["formerPrivateKeys", name])) };
}

/** Replaces all keys of the node by the new one. */
export function revokeEdit(text: string, node: NodePlan, key: NewKey): StackEdit {
  const single = ["nextPublicKey", "rotationPort"].reduce(
    (edited, field) => removeIn(edited, pathOf(node, field)),
    removeIn(text, configPath(["formerPrivateKeys", node.name])),
  );
  return withPrivateKey(setIn(single, pathOf(node, "publicKey"), key.publicKey), node, key);
}

/** Replaces the private key in the stack; removes it where the stack does not have the new one. */
function withPrivateKey(text: string, node: NodePlan, { privateKey }: NewKey): StackEdit {
  const path = ["privateKeys", node.name];
  if (privateKey === null) return { text: removeIn(text, configPath(path)) };
  return { text, secrets: [{ path, value: privateKey }] };
}

/** Keeps the old private key of a relay, which serves both keys: its ciphertext moves to another config key. */
function withOldPrivateKey(text: string, node: NodePlan, key: NewKey, where: string): string {
  if (node.kind === "peer" || key.privateKey === null) return text;
  const secure = ciphertextAt(text, ["privateKeys", node.name], where);
  return secure === null
    ? text
    : setIn(text, configPath(["formerPrivateKeys", node.name]), { secure });
}

function pathOf(node: NodePlan, field: string): string[] {
  return configPath([`${node.kind}s`, node.name, field]);
}
