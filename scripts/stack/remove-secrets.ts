/** Removes all secrets from a stack file whose passphrase is lost; the network and the keys on its hosts stay. */
import { isNodeKeys } from "../../mesh/config/secret-keys";
import { isMap } from "../../mesh/config/shape-issues";
import { configPath, isSealed, NAMESPACE, readSettings } from "./stack-file";
import { removeIn } from "./yaml-edit";

interface WithoutSecrets {
  text: string;
  /** Nodes whose private key is also on their host, from which the next push takes it. */
  kept: string[];
  /** Nodes whose private key is lost; their public keys are removed too, so that `init` makes new pairs. */
  keyless: string[];
  /** Other config keys that were removed. */
  removed: string[];
}

/** The engine's encryption settings, at the top level of the file. */
const ENCRYPTION = ["encryptionsalt", "encryptedkey", "secretsprovider"];

/** Whether anything in the file is encrypted. */
export function hasSecrets(text: string, where: string): boolean {
  return hasSealed(readSettings(text, where)["config"]);
}

export function removeSecrets(text: string, where: string): WithoutSecrets {
  const settings = readSettings(text, where);
  const config = isMap(settings["config"]) ? settings["config"] : {};
  const sealed = Object.keys(config).filter((key) => hasSealed(config[key]));
  const stripped = [
    ...ENCRYPTION.map((key) => [key]),
    ...sealed.map((key) => ["config", key]),
  ].reduce(removeIn, text);
  const nodes = nodesWithKey(config);
  const kept = nodes.filter(({ hasHost }) => hasHost);
  const keyless = nodes.filter(({ hasHost }) => !hasHost);
  const facts = keyless.flatMap(({ group, name }) => [
    ...["publicKey", "nextPublicKey", "rotationPort"].map((fact) =>
      configPath([group, name, fact]),
    ),
    configPath(["delivered", name]),
  ]);
  return {
    text: facts.reduce(removeIn, stripped),
    kept: kept.map(({ name }) => name),
    keyless: keyless.map(({ name }) => name),
    removed: sealed.filter((key) => !isNodeKeys(key.replace(NAMESPACE, ""))),
  };
}

interface KeyedNode {
  group: string;
  name: string;
  /** Whether it has `host`. False for an ec2 relay, although it is pushed to: `up` creates another instance (docs/secrets.md). */
  hasHost: boolean;
}

/** The nodes whose private key is in the file; all nodes if the whole map is one secret. */
function nodesWithKey(config: Record<string, unknown>): KeyedNode[] {
  const keys = config[`${NAMESPACE}privateKeys`];
  const whole = isSealed(keys);
  return ["relays", "peers"].flatMap((group) => {
    const nodes = config[NAMESPACE + group];
    return Object.entries(isMap(nodes) ? nodes : {}).flatMap(([name, node]) => {
      if (!isMap(node) || !(whole || (isMap(keys) && Object.hasOwn(keys, name)))) return [];
      return [{ group, name, hasHost: node["host"] !== undefined && node["host"] !== null }];
    });
  });
}

function hasSealed(value: unknown): boolean {
  if (isSealed(value)) return true;
  return isMap(value) && Object.values(value).some(hasSealed);
}
