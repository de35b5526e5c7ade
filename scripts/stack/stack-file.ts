/** Reads the config from the text of a stack file (Pulumi.STACK.yaml), by the engine's rules. */
import { error, pathOf, type Issue } from "../../mesh/config/issue";
import { Mistake } from "../../mesh/config/mistake";
import type { RawConfig } from "../../mesh/config/read-draft";
import { isSecretText } from "../../mesh/config/secret-keys";
import { isMap } from "../../mesh/config/shape-issues";
import { Secret } from "../../mesh/secret";
import { Failure } from "./failure";
import { parseYaml } from "./yaml-values";

export const NAMESPACE = "wireguard-mesh:";

/** The path of a config key in the file: adds `config` and the namespace to `["peers", "laptop"]`. */
export function configPath([key = "", ...rest]: readonly string[]): string[] {
  return ["config", `${NAMESPACE}${key}`, ...rest];
}

/**
 * The config of namespace wireguard-mesh in a stack file's text; every `secure:` value becomes a sealed Secret. `where` names
 * the file in errors.
 * @throws Failure (exit code 2) when the text is not YAML, or has no config.
 */
export function readConfig(text: string, where: string): RawConfig {
  return configIn(readSettings(text, where), where);
}

/** Like readConfig, but a missing `config:` counts as empty, for commands that add to the file. */
export function readConfigSoFar(text: string, where: string): RawConfig {
  return configSoFarIn(readSettings(text, where), where);
}

/** As readConfig, of what readSettings returns. */
export function configIn({ config }: Record<string, unknown>, where: string): RawConfig {
  if (config === undefined || config === null) {
    throw new Failure(
      `${where} has no \`config:\``,
      "a stack file starts with `config:`; make one: npx wireguard-mesh init",
      2,
    );
  }
  if (!isMap(config)) {
    throw new Failure(`\`config:\` of ${where} is not a map`, `write ${NAMESPACE}peers: ...`, 2);
  }
  const entries = Object.entries(config).filter(([key]) => key.startsWith(NAMESPACE));
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const name = key.slice(NAMESPACE.length);
      return [name, seal(isSecretText(name) ? value : fromJson(value))];
    }),
  );
}

/** As readConfigSoFar, of what readSettings returns. */
export function configSoFarIn(settings: Record<string, unknown>, where: string): RawConfig {
  const { config } = settings;
  return config === undefined || config === null ? {} : configIn(settings, where);
}

/** Values that the engine reads differently from how they are written, which the program cannot detect. */
export function misreadIn(value: unknown, path: readonly PropertyKey[] = []): Issue[] {
  if (value instanceof Mistake) return [error(pathOf(path), value.message, value.remedy)];
  const entries = Array.isArray(value)
    ? [...value.entries()]
    : isMap(value)
      ? Object.entries(value)
      : [];
  return entries.flatMap(([key, inner]) => misreadIn(inner, [...path, key]));
}

/**
 * `secure:` values that are not encrypted by the stack's passphrase: the engine's error about them names no key. Stacks with
 * another secrets provider are not checked.
 */
export function unencryptedIn(settings: Record<string, unknown>): Issue[] {
  const { config, encryptionsalt } = settings;
  if (typeof encryptionsalt !== "string" || !isMap(config)) return [];
  return plainSecretsIn(config, []);
}

/** `path`: below `config`, so it starts with a namespace. */
function plainSecretsIn(value: unknown, path: readonly PropertyKey[]): Issue[] {
  if (Array.isArray(value))
    return value.flatMap((inner, at) => plainSecretsIn(inner, [...path, at]));
  if (isSealed(value)) {
    if (value.secure.startsWith("v1:")) return [];
    const key = pathOf(path);
    const remedy = `remove it, and write it with: npx pulumi config set --path --secret '${key}'`;
    const message = "`secure:` is for encrypted text, which this is not";
    return [error(key.replace(NAMESPACE, ""), message, remedy)];
  }
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => plainSecretsIn(inner, [...path, key]));
}

/** The top level of a stack file: `config`, `encryptionsalt`, ...; empty for an empty file. */
export function readSettings(text: string, where: string): Record<string, unknown> {
  const settings: unknown = parseYaml(text, where).values ?? {};
  if (isMap(settings)) return settings;
  throw new Failure(`${where} is not a stack file`, "a stack file is a map with `config:`", 2);
}

/** `pulumi config set KEY '{"a": 1}'` writes the JSON as a string, which the program parses. The engine reads no value as "". */
function fromJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (value === "") return null;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function seal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(seal);
  if (isSealed(value)) return Secret.sealed();
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, seal(inner)]));
}

/** As the engine recognizes a secret. */
export function isSealed(value: unknown): value is { secure: string } {
  return isMap(value) && typeof value["secure"] === "string" && Object.keys(value).length === 1;
}
