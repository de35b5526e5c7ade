/** The keys of the stack config whose values are secret. */

/** A private key for each node, by name. */
export const NODE_KEYS = ["privateKeys", "formerPrivateKeys"] as const;

/** Maps of keys by name; `presharedKeys` by link (link-keys.ts). */
const SECRET_MAPS = [...NODE_KEYS, "presharedKeys"] as const;

/** One text, taken as it is and never parsed as JSON. */
const SECRET_TEXTS = ["presharedKeySeed", "sshPrivateKey", "sshAuthoritySeed"] as const;

export const SECRET_KEYS = [...SECRET_MAPS, ...SECRET_TEXTS] as const;

type NodeKeys = (typeof NODE_KEYS)[number];
export type SecretMap = (typeof SECRET_MAPS)[number];
export type SecretText = (typeof SECRET_TEXTS)[number];
export type SecretKey = (typeof SECRET_KEYS)[number];

export function isNodeKeys(key: string): key is NodeKeys {
  return NODE_KEYS.some((name) => name === key);
}

export function isSecretMap(key: string): key is SecretMap {
  return SECRET_MAPS.some((name) => name === key);
}

export function isSecretText(key: string): key is SecretText {
  return SECRET_TEXTS.some((name) => name === key);
}
