/** What is left of a stack file when nobody can decrypt its secrets any more: the network, and the keys that its hosts have. */
import { isSecretMap } from "../../../mesh/config/secret-keys";
import { isMap } from "../../../mesh/config/shape-issues";
import { configPath } from "../../stack/encrypt";
import { NAMESPACE, readSettings } from "../../stack/stack-file";
import { removeIn } from "../../stack/yaml-edit";

export interface Remains {
  text: string;
  /** Nodes whose private key is on their host still: the next push takes it from there. */
  kept: string[];
  /** Nodes whose private key was nowhere else: they have none now. */
  keyless: string[];
  /** Other keys of the config whose value is gone. */
  gone: string[];
}

/** How the engine notes down who encrypts. */
const ENCRYPTION = ["encryptionsalt", "encryptedkey", "secretsprovider"];

/** Whether anything in the file is encrypted. */
export function holdsSecrets(text: string, where: string): boolean {
  return hasSealed(readSettings(text, where)["config"]);
}

export function forgetSecrets(text: string, where: string): Remains {
  const settings = readSettings(text, where);
  const config = isMap(settings["config"]) ? settings["config"] : {};
  const sealed = Object.keys(config).filter((key) => hasSealed(config[key]));
  // One line each, and at the top of the file, where a comment is about all of it.
  const plain = ENCRYPTION.reduce(
    (edited, key) => edited.replace(new RegExp(`^${key}:.*\n?`, "m"), ""),
    text,
  );
  const stripped = sealed.map((key) => ["config", key]).reduce(removeIn, plain);
  const held = heldNodes(config);
  const kept = held.filter(({ pushed }) => pushed);
  const keyless = held.filter(({ pushed }) => !pushed);
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
    gone: sealed.filter((key) => !isSecretMap(key.replace(NAMESPACE, ""))),
  };
}

interface HeldNode {
  group: string;
  name: string;
  pushed: boolean;
}

/** The nodes whose private keys stood in the file; all of them where the map as a whole is one secret. */
function heldNodes(config: Record<string, unknown>): HeldNode[] {
  const keys = config[`${NAMESPACE}privateKeys`];
  const whole = isSealed(keys);
  return ["relays", "peers"].flatMap((group) => {
    const nodes = config[NAMESPACE + group];
    return Object.entries(isMap(nodes) ? nodes : {}).flatMap(([name, node]) => {
      if (!isMap(node) || !(whole || (isMap(keys) && Object.hasOwn(keys, name)))) return [];
      return [{ group, name, pushed: node["host"] !== undefined && node["host"] !== null }];
    });
  });
}

function hasSealed(value: unknown): boolean {
  if (isSealed(value)) return true;
  return isMap(value) && Object.values(value).some(hasSealed);
}

function isSealed(value: unknown): boolean {
  return isMap(value) && typeof value["secure"] === "string" && Object.keys(value).length === 1;
}
