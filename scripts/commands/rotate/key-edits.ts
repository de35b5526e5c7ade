/** The steps of a rotation as edits of the stack file, which is its only record: each is one write, and any of them can be the last. */
import type { NodePlan } from "../../../mesh/plan/plan";
import type { Secret } from "../../../mesh/secret";
import { ciphertextAt, configPath, type NewSecret } from "../../stack/encrypt";
import { removeIn, setIn } from "../../stack/yaml-edit";

export interface KeyEdit {
  text: string;
  secrets: NewSecret[];
}

/** `privateKey`: null where the host or the device keeps it. */
export interface NewKey {
  publicKey: string;
  privateKey: Secret | null;
}

/** The new key beside the one that the network knows. */
export function beginEdit(text: string, node: NodePlan, key: NewKey, where: string): KeyEdit {
  const kept = keptFormerKey(text, node, key, where);
  const edited = setIn(kept, pathOf(node, "nextPublicKey"), key.publicKey);
  return withPrivateKey(edited, node, key);
}

/**
 * The next key becomes the current one. A relay goes on with the port of its second interface, written down now, for the
 * devices that were configured with it.
 */
export function finishEdit(text: string, node: NodePlan): string {
  const { nextPublicKey, rotationPort, name } = node;
  if (nextPublicKey === null) return text;
  const current = setIn(text, pathOf(node, "publicKey"), nextPublicKey);
  const single = removeIn(current, pathOf(node, "nextPublicKey"));
  if (node.kind === "peer" || rotationPort === null) return single;
  const withPort = setIn(single, pathOf(node, "rotationPort"), rotationPort);
  return removeIn(withPort, configPath(["formerPrivateKeys", name]));
}

/** The new key at once, and no other: whoever knows the node by a former one is out. */
export function revokeEdit(text: string, node: NodePlan, key: NewKey): KeyEdit {
  const single = ["nextPublicKey", "rotationPort"].reduce(
    (edited, field) => removeIn(edited, pathOf(node, field)),
    removeIn(text, configPath(["formerPrivateKeys", node.name])),
  );
  return withPrivateKey(setIn(single, pathOf(node, "publicKey"), key.publicKey), node, key);
}

/** A key that is not for the stack to know takes the former one out of it. */
function withPrivateKey(text: string, node: NodePlan, { privateKey }: NewKey): KeyEdit {
  const path = ["privateKeys", node.name];
  if (privateKey === null) return { text: removeIn(text, configPath(path)), secrets: [] };
  return { text, secrets: [{ path, value: privateKey }] };
}

/** A relay serves both keys for a while, so the stack holds both: the ciphertext moves as it is. */
function keptFormerKey(text: string, node: NodePlan, key: NewKey, where: string): string {
  if (node.kind === "peer" || key.privateKey === null) return text;
  const secure = ciphertextAt(text, ["privateKeys", node.name], where);
  return secure === null
    ? text
    : setIn(text, configPath(["formerPrivateKeys", node.name]), { secure });
}

function pathOf(node: NodePlan, field: string): string[] {
  return configPath([`${node.kind}s`, node.name, field]);
}
