/** All secrets of a stack, those in its config and those derived from it, with printable names. */
import { presharedKeyOf, publicKeyOf } from "../../../mesh/keys";
import { NODE_KEYS } from "../../../mesh/config/secret-keys";
import { Secret } from "../../../mesh/secret";
import { authorityOf } from "../../../mesh/ssh-identity";
import { formsOf } from "../../support/secret-forms";

/** `pulumi config --show-secrets --json`. */
export type StackConfig = Record<string, { value?: string }>;

/** An encoding of a secret → the secret's name. */
export type SecretForms = Map<string, string>;

export function formsOfStack(config: StackConfig): SecretForms {
  const valueOf = (key: string) => config[`wireguard-mesh:${key}`]?.value ?? "";
  const keysIn = (group: string) =>
    Object.entries(JSON.parse(valueOf(group) || "{}") as Record<string, string>);
  const privateKeys = NODE_KEYS.flatMap(keysIn);
  const forms: SecretForms = new Map();
  for (const [node, key] of privateKeys) addKey(forms, `private key of ${node}`, key);
  for (const [link, key] of keysIn("presharedKeys")) addKey(forms, `preshared key of ${link}`, key);
  const seed = valueOf("presharedKeySeed");
  if (seed !== "") {
    addKey(forms, "seed of preshared keys", seed);
    const own = privateKeys.map(([, key]) => publicKeyOf(Secret.of(key)));
    addLinkKeys(forms, seed, [...new Set([...publicKeysIn(valueOf), ...own])]);
  }
  addKeyText(forms, "SSH private key", valueOf("sshPrivateKey"));
  const authoritySeed = valueOf("sshAuthoritySeed");
  if (authoritySeed !== "") {
    addKey(forms, "seed of the SSH authority", authoritySeed);
    const { privateKey } = authorityOf(Secret.of(authoritySeed));
    addKeyText(forms, "private key of the SSH authority", privateKey.reveal());
  }
  return forms;
}

export function addKey(forms: SecretForms, name: string, key: string): void {
  for (const form of formsOf(key)) forms.set(form, name);
}

/** Adds the preshared key of every pair of nodes, linked or not. */
export function addLinkKeys(forms: SecretForms, seed: string, publicKeys: readonly string[]): void {
  publicKeys.forEach((a, at) => {
    for (const b of publicKeys.slice(at + 1)) {
      const name = `preshared key of ${a.slice(0, 6)} and ${b.slice(0, 6)}`;
      addKey(forms, name, presharedKeyOf(Secret.of(seed), a, b).reveal());
    }
  });
}

/** Adds the lines of an OpenSSH private key, except the first ones, which are public or the same in all keys. */
export function addKeyText(forms: SecretForms, name: string, text: string): void {
  const lines = text.split("\n").slice(3, -2);
  for (const line of lines.filter(({ length }) => length > 30)) forms.set(line, name);
}

/** All current and next public keys. */
function publicKeysIn(valueOf: (key: string) => string): string[] {
  return ["relays", "peers"].flatMap((group) => {
    const nodes = JSON.parse(valueOf(group) || "{}") as Record<string, Record<string, unknown>>;
    return Object.values(nodes)
      .flatMap((node) => [node["publicKey"], node["nextPublicKey"]])
      .filter((key) => typeof key === "string");
  });
}
