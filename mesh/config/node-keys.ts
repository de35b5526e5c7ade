/** Which keys a node has, and which of them it is itself: the config's own record of a rotation. */
import { isKey, publicKeyOf } from "../keys";
import type { Secret } from "../secret";
import type { Node } from "./config";
import { hostsOf, type Draft, type KeysDraft, type NodeDraft } from "./draft";

export type NodeKeys = Pick<Node, "publicKey" | "nextPublicKey" | "ownKey">;

/**
 * The node's secret decides. One that fits neither of two written keys is judged by a rule; one that does not fit the only
 * written key is the next key, whose rotation begins with that. A sealed secret, or none, leaves what is written.
 */
export function nodeKeysOf(node: NodeDraft, draft: Draft): NodeKeys | null {
  const { publicKey, nextPublicKey } = node.fields;
  if (publicKey === undefined) return null;
  const held = heldKey(draft.secrets.privateKeys, node.name);
  const next = nextPublicKey ?? (held === null || held === publicKey ? null : held);
  return {
    publicKey,
    nextPublicKey: next,
    ownKey: next === null || held === publicKey ? "current" : "next",
  };
}

/** The public half of a node's secret; null where there is none that can be read. */
export function heldKey(keys: KeysDraft, name: string): string | null {
  const secret = keys === "all" ? undefined : keys.get(name);
  if (secret === undefined || secret === null || secret.isSealed) return null;
  return isKey(secret.reveal()) ? publicHalf(secret) : null;
}

/** `config` where the stack holds the private key, readable or not. */
export function custodyOf(node: NodeDraft, draft: Draft): Node["custody"] {
  if (holds(draft.secrets.privateKeys, node.name)) return "config";
  return hostsOf(node).length > 0 ? "host" : "device";
}

/** Whether the stack holds a key of this name, readable or not. */
export function holds(keys: KeysDraft, name: string): boolean {
  return keys === "all" || keys.has(name);
}

/** Every rule asks for it, and one costs a millisecond. */
const halves = new WeakMap<Secret, string>();

function publicHalf(secret: Secret): string {
  const known = halves.get(secret) ?? publicKeyOf(secret);
  halves.set(secret, known);
  return known;
}
