/** Rules about secrets: encrypted, valid, and for a node that exists. */
import { isKey } from "../key-text";
import type { Secret } from "../secret";
import type { Draft, KeysDraft, NodeDraft } from "./draft";
import { error, warning, type Issue } from "./issue";
import { heldKey, nodeKeysOf } from "./node-keys";
import { NODE_KEYS } from "./secret-keys";
import { nearest, printable } from "./shape-issues";

export function secretIssues(draft: Draft): Issue[] {
  return [
    ...NODE_KEYS.flatMap((map) => strayKeys(map, draft)),
    ...draft.nodes.flatMap((node) =>
      keyIssues(`privateKeys.${node.name}`, node.name, draft.secrets.privateKeys),
    ),
    ...draft.nodes.flatMap((node) => formerKeyIssues(node, draft)),
    ...seedIssues("presharedKeySeed", draft.secrets.presharedKeySeed),
    ...seedIssues("sshAuthoritySeed", draft.secrets.sshAuthoritySeed),
    ...sshKeyIssues(draft.secrets.sshPrivateKey),
  ];
}

function strayKeys(map: (typeof NODE_KEYS)[number], draft: Draft): Issue[] {
  const keys = draft.secrets[map];
  // The advice to remove the keys of nodes that are not read would lose them.
  if (keys === "all" || draft.lacksNodes) return [];
  const names = draft.nodes.map((node) => node.name);
  return [...keys.keys()]
    .filter((name) => !names.includes(name))
    .map((name) => {
      const path = `${map}.${printable(name)}`;
      return error(path, "there is no node with this name", strayRemedy(map, name, names));
    });
}

/** Suggests a command only for a name that needs no quoting in a shell and in `--path`. */
function strayRemedy(map: string, name: string, names: string[]): string {
  if (!/^[\w-]+$/.test(name) || printable(name) !== name)
    return "remove this line from the stack file";
  const near = nearest(name, names);
  const remove = `npx pulumi config rm --path wireguard-mesh:${map}.${name}`;
  return near === undefined
    ? `remove it: ${remove}`
    : `did you mean ${near}? Otherwise remove it: ${remove}`;
}

/** Checks that a key is encrypted and valid. The rules of rotation check which public key it belongs to. */
function keyIssues(path: string, name: string, keys: KeysDraft): Issue[] {
  if (keys === "all" || !keys.has(name)) return [];
  const key = keys.get(name) ?? null;
  if (key === null) return [notEncrypted(path)];
  if (key.isSealed || isKey(key.reveal())) return [];
  const set = `npx pulumi config set --secret --path wireguard-mesh:${path}`;
  return [
    error(
      path,
      "is not a WireGuard key",
      `a key is what \`wg genkey\` prints; set it with: ${set}`,
    ),
  ];
}

/** `rotate` keeps the old key here: a new machine of a relay serves it too, and `rotate --cancel` goes back to it. */
function formerKeyIssues(node: NodeDraft, draft: Draft): Issue[] {
  const { formerPrivateKeys } = draft.secrets;
  const path = `formerPrivateKeys.${node.name}`;
  if (formerPrivateKeys === "all" || !formerPrivateKeys.has(node.name)) return [];
  const wrong = keyIssues(path, node.name, formerPrivateKeys);
  if (wrong.length > 0) return wrong;
  const remedy = `remove it: npx pulumi config rm --path wireguard-mesh:${path}`;
  const keys = nodeKeysOf(node, draft);
  if (keys === null) return [];
  if (keys.ownKey === "current") {
    return [warning(path, `is not used: ${node.path} has no rotation in progress`, remedy)];
  }
  const held = heldKey(formerPrivateKeys, node.name);
  if (held === null || held === keys.publicKey) return [];
  return [error(path, `does not belong to ${node.path}.publicKey`, remedy)];
}

function seedIssues(path: string, seed: Secret | null | undefined): Issue[] {
  if (seed === undefined) return [];
  if (seed === null) return [notEncrypted(path)];
  if (seed.isSealed || isKey(seed.reveal())) return [];
  const remedy = `make one: wg genpsk | npx pulumi config set --secret wireguard-mesh:${path}`;
  return [error(path, "is not 32 bytes of base64", remedy)];
}

function sshKeyIssues(key: Secret | null | undefined): Issue[] {
  const path = "sshPrivateKey";
  if (key === undefined) return [];
  if (key === null) return [notEncrypted(path)];
  if (key.isSealed || /^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n/.test(key.reveal())) return [];
  const remedy = `npx pulumi config set --secret wireguard-mesh:${path} < ~/.ssh/id_ed25519`;
  return [error(path, "is not an SSH private key in PEM or OpenSSH form", remedy)];
}

export function notEncrypted(path: string): Issue {
  return error(
    path,
    "is not encrypted in the stack file, so it is no longer secret",
    `make a new one, and set it with: npx pulumi config set --secret --path wireguard-mesh:${path}`,
  );
}
