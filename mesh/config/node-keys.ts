/** The keys of a node, and which of them the node itself uses. */
import { isKey } from "../key-text";
import { publicKeyOf } from "../keys";
import type { Secret } from "../secret";
import type { Node } from "./config";
import { hostsOf, type Draft, type KeysDraft, type NodeDraft } from "./draft";

type NodeKeys = Pick<Node, "publicKey" | "nextPublicKey" | "ownKey">;

/**
 * The node's keys; null if `publicKey` is missing. A readable private key decides which key the node uses. If it does not
 * belong to `publicKey` and there is no `nextPublicKey`, it is the next key. If no private key can be read, the node uses
 * `nextPublicKey` if that is set.
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

/** The public half of the private key of this name; null if it is missing, sealed or invalid. */
export function heldKey(keys: KeysDraft, name: string): string | null {
  const secret = keys === "all" ? undefined : keys.get(name);
  if (secret === undefined || secret === null || secret.isSealed) return null;
  return isKey(secret.reveal()) ? publicHalf(secret) : null;
}

/** Where the private key is; `config` even if it cannot be read. */
export function custodyOf(node: NodeDraft, draft: Draft): Node["custody"] {
  if (hasKey(draft.secrets.privateKeys, node.name)) return "config";
  return hostsOf(node).length > 0 ? "host" : "device";
}

/** Reports whether there is a key of this name, even one that cannot be read. */
export function hasKey(keys: KeysDraft, name: string): boolean {
  return keys === "all" || keys.has(name);
}

/** Cached, because several rules need it and one computation takes a millisecond. */
const publicKeys = new WeakMap<Secret, string>();

/** For callers with a faster implementation: Node's crypto, which mesh/ cannot import. */
export function rememberPublicHalf(secret: Secret, publicKey: string): void {
  publicKeys.set(secret, publicKey);
}

function publicHalf(secret: Secret): string {
  const known = publicKeys.get(secret) ?? publicKeyOf(secret);
  publicKeys.set(secret, known);
  return known;
}
