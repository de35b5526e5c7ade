/** A stack file (Pulumi.STACK.yaml): read as the engine reads it, written atomically. */
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { parse, YAMLParseError, type ScalarTag } from "yaml";
import type { RawConfig } from "../../mesh/config/read-draft";
import { isSecretText } from "../../mesh/config/secret-keys";
import { isMap } from "../../mesh/config/shape-issues";
import { Secret } from "../../mesh/secret";
import { Failure } from "./failure";

export const NAMESPACE = "wireguard-mesh:";

/** The path in the file of a config key: `["peers", "laptop"]` is below `config:` and has the namespace. */
export function configPath([key = "", ...rest]: readonly string[]): string[] {
  return ["config", `${NAMESPACE}${key}`, ...rest];
}

/** The text of a stack file, empty where there is none yet. */
export function readStackFile(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Replaces the file by a rename, so that an interruption leaves the old one; keeps its permissions. */
export function writeStackFile(path: string, text: string): void {
  const temporary = `${path}.new`;
  const mode = existsSync(path) ? statSync(path).mode & 0o777 : 0o644;
  try {
    writeFileSync(temporary, text, { mode });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/**
 * The config of namespace wireguard-mesh in a stack file's text; every `secure:` value becomes a sealed Secret. `where` names
 * the file in errors.
 * @throws Failure (exit code 2) when the text is not YAML, or has no config.
 */
export function readConfig(text: string, where: string): RawConfig {
  const { config } = readSettings(text, where);
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

/** Like readConfig, but a file without `config:` has an empty one: what commands that add to it start from. */
export function readConfigSoFar(text: string, where: string): RawConfig {
  const { config } = readSettings(text, where);
  return config === undefined || config === null ? {} : readConfig(text, where);
}

/** The top level of a stack file: `config`, `encryptionsalt`, ...; empty for an empty file. */
export function readSettings(text: string, where: string): Record<string, unknown> {
  const settings: unknown = parseYaml(text, where) ?? {};
  if (isMap(settings)) return settings;
  throw new Failure(`${where} is not a stack file`, "a stack file is a map with `config:`", 2);
}

function parseYaml(text: string, where: string): unknown {
  try {
    return parse(text, { merge: true, customTags: [engineDate] });
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    // Without the lines that the message quotes: they may have a key that was never encrypted.
    const place = error.linePos?.[0];
    const at = place === undefined ? "" : ` at line ${place.line}, column ${place.col}`;
    const what = error.message.split(/ at line \d|\n/)[0] ?? "";
    throw new Failure(`${where} is not YAML${at}: ${what}`, "fix that line", 2);
  }
}

/**
 * The engine's YAML parser reads an unquoted date as a time and passes it on in Go's format (seen with 3.250.0). A review must
 * see the value that the program will see.
 */
const engineDate: ScalarTag = {
  tag: "tag:yaml.org,2002:timestamp",
  default: true,
  test: /^\d{4}-\d{2}-\d{2}([Tt]\d{2}:\d{2}:\d{2}Z)?$/,
  resolve: (text) => `${text.slice(0, 10)} ${text.slice(11, 19) || "00:00:00"} +0000 UTC`,
};

/** `pulumi config set KEY '{"a": 1}'` writes the JSON as a string, which the program parses. */
function fromJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function seal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(seal);
  if (!isMap(value)) return value;
  if (typeof value["secure"] === "string" && Object.keys(value).length === 1)
    return Secret.sealed();
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, seal(inner)]));
}
