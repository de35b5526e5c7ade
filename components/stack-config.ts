/** Reads the whole config of the stack and wraps its secrets. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import { byLink } from "../mesh/config/link-keys";
import type { RawConfig } from "../mesh/config/read-draft";
import { rememberPublicHalf } from "../mesh/config/node-keys";
import {
  isNodeKeys,
  isSecretMap,
  isSecretText,
  type SecretMap,
  type SecretText,
} from "../mesh/config/secret-keys";
import type { Keyring } from "../mesh/render/render";
import { isMap } from "../mesh/config/shape-issues";
import { pkcs8Of } from "../mesh/key-text";
import { Secret } from "../mesh/secret";

const NAMESPACE = "wireguard-mesh:";

/** The config of this stack by key. pulumi.Config cannot list keys, and unknown keys must be reported. */
export function readStackConfig(): RawConfig {
  const entries = Object.entries(pulumi.runtime.allConfig())
    .filter(([key]) => key.startsWith(NAMESPACE))
    .map(([key, text]): [string, unknown] => {
      const name = key.slice(NAMESPACE.length);
      return [name, readValue(name, text, isEncrypted(key))];
    });
  return Object.fromEntries(entries);
}

/** The secrets of a validated config. */
export function keyringOf(config: RawConfig): Keyring {
  return {
    privateKeys: secretsIn(config, "privateKeys"),
    formerPrivateKeys: secretsIn(config, "formerPrivateKeys"),
    presharedKeys: byLink(secretsIn(config, "presharedKeys")),
    presharedKeySeed: secretAt(config, "presharedKeySeed"),
    sshPrivateKey: secretAt(config, "sshPrivateKey"),
    sshAuthoritySeed: secretAt(config, "sshAuthoritySeed"),
  };
}

function secretsIn(config: RawConfig, name: SecretMap): Map<string, Secret> {
  const map = config[name];
  const entries = isMap(map) ? Object.entries(map) : [];
  return new Map(entries.flatMap(([name, key]) => (key instanceof Secret ? [[name, key]] : [])));
}

/** Needed to report secrets that are not encrypted. The SDK has this function, but not in its types. */
function isEncrypted(key: string): boolean {
  const runtime = pulumi.runtime as unknown as { isConfigSecret: (key: string) => boolean };
  return runtime.isConfigSecret(key);
}

function readValue(name: string, text: string, encrypted: boolean): unknown {
  if (isSecretText(name)) return encrypted ? Secret.of(text) : text;
  const value = parseJson(text);
  if (!encrypted) return value;
  if (!isSecretMap(name)) return Secret.sealed();
  // A sealed secret would be read as a map with all keys.
  if (!isMap(value)) return Secret.of(text);
  return Object.fromEntries(
    Object.entries(value).map(([node, key]) => [
      node,
      isNodeKeys(name) ? readPrivateKey(String(key)) : Secret.of(String(key)),
    ]),
  );
}

/** Also computes the public key with OpenSSL, which is twenty times as fast as the library in mesh/. */
function readPrivateKey(text: string): Secret {
  const secret = Secret.of(text);
  const pkcs8 = pkcs8Of(text);
  if (pkcs8 === null) return secret;
  const key = Buffer.from(pkcs8);
  const pair = createPublicKey(createPrivateKey({ key, format: "der", type: "pkcs8" }));
  const spki = pair.export({ format: "der", type: "spki" });
  rememberPublicHalf(secret, spki.subarray(-32).toString("base64"));
  return secret;
}

function secretAt(config: RawConfig, name: SecretText): Secret | null {
  const value = config[name];
  return value instanceof Secret ? value : null;
}

/** `KEY:` without a value arrives as "". */
function parseJson(text: string): unknown {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
