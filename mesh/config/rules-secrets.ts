/** Rules about the secrets of the stack: encrypted, whole, and fitting the public keys. */
import { isKey, publicKeyOf } from "../keys";
import type { Secret } from "../secret";
import { hostsOf, type Draft, type NodeDraft } from "./draft";
import { error, type Issue } from "./issue";
import { nearest, printable } from "./shape-issues";

export function secretIssues(draft: Draft): Issue[] {
  return [
    ...strayKeys(draft),
    ...draft.nodes.flatMap((node) => keyIssues(node, draft)),
    ...seedIssues("presharedKeySeed", draft.secrets.presharedKeySeed),
    ...seedIssues("sshAuthoritySeed", draft.secrets.sshAuthoritySeed),
    ...sshKeyIssues(draft.secrets.sshPrivateKey),
  ];
}

/** Whether the stack holds this node's private key, readable or not. */
export function hasPrivateKey(name: string, draft: Draft): boolean {
  const { privateKeys } = draft.secrets;
  return privateKeys === "all" || privateKeys.has(name);
}

function strayKeys(draft: Draft): Issue[] {
  const { privateKeys } = draft.secrets;
  if (privateKeys === "all") return [];
  const names = draft.nodes.map((node) => node.name);
  return [...privateKeys.keys()]
    .filter((name) => !names.includes(name))
    .map((name) => {
      const path = `privateKeys.${printable(name)}`;
      return error(path, "there is no node of this name", strayRemedy(name, names));
    });
}

/** A command only for a name that a shell and `--path` take as it stands. */
function strayRemedy(name: string, names: string[]): string {
  if (!/^[\w-]+$/.test(name) || printable(name) !== name)
    return "remove this line from the stack file";
  const near = nearest(name, names);
  const remove = `pulumi config rm --path wireguard-mesh:privateKeys.${name}`;
  return near === undefined
    ? `remove it: ${remove}`
    : `did you mean ${near}? Else remove it: ${remove}`;
}

function keyIssues(node: NodeDraft, draft: Draft): Issue[] {
  const { privateKeys } = draft.secrets;
  const path = `privateKeys.${node.name}`;
  const set = `pulumi config set --secret --path wireguard-mesh:${path}`;
  if (!hasPrivateKey(node.name, draft)) {
    if (hostsOf(node).length === 0) return [];
    const message = `is missing: ${node.path} is pushed to, and a key that the host keeps to itself is not supported yet`;
    return [error(path, message, `type it in at: ${set}`)];
  }
  if (privateKeys === "all") return [];
  const key = privateKeys.get(node.name) ?? null;
  if (key === null) return [inClear(path)];
  if (key.isSealed) return [];
  if (!isKey(key.reveal())) {
    return [
      error(
        path,
        "is not a WireGuard key",
        `a key is what \`wg genkey\` prints; type it in at: ${set}`,
      ),
    ];
  }
  const { publicKey } = node.fields;
  if (publicKey === undefined || publicKeyOf(key) === publicKey) return [];
  const message = `does not belong to ${node.path}.publicKey; changing a key by its secret alone is not supported yet`;
  return [
    error(
      path,
      message,
      `its public key is ${publicKeyOf(key)}: write that, or set the former secret again`,
    ),
  ];
}

function seedIssues(path: string, seed: Secret | null | undefined): Issue[] {
  if (seed === undefined) return [];
  if (seed === null) return [inClear(path)];
  if (seed.isSealed || isKey(seed.reveal())) return [];
  const remedy = `make one: wg genpsk | pulumi config set --secret wireguard-mesh:${path}`;
  return [error(path, "is not 32 bytes of base64", remedy)];
}

function sshKeyIssues(key: Secret | null | undefined): Issue[] {
  const path = "sshPrivateKey";
  if (key === undefined) return [];
  if (key === null) return [inClear(path)];
  if (key.isSealed || /^-----BEGIN [A-Z ]*PRIVATE KEY-----\r?\n/.test(key.reveal())) return [];
  const remedy = `pulumi config set --secret wireguard-mesh:${path} < ~/.ssh/id_ed25519`;
  return [error(path, "is not an SSH private key in PEM or OpenSSH form", remedy)];
}

function inClear(path: string): Issue {
  return error(
    path,
    "stands in clear in the stack file, so it is no secret any more",
    `make a new one, and set it with: pulumi config set --secret --path wireguard-mesh:${path}`,
  );
}
