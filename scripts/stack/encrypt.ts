/** Secrets into ciphertext for the stack file, by the engine: whatever secrets provider the stack has. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { RawConfig } from "../../mesh/config/read-draft";
import { isMap } from "../../mesh/config/shape-issues";
import type { Secret } from "../../mesh/secret";
import { askEngine, complaintOf, onStack } from "./engine";
import { Failure } from "./failure";
import type { Stack } from "./project";
import { NAMESPACE, readSettings } from "./stack-file";
import { addIn, setIn } from "./yaml-edit";

/** Where a secret goes, below `config`: `["privateKeys", "laptop"]`. */
export interface NewSecret {
  path: readonly string[];
  value: Secret;
}

/**
 * The stack file's text with the secrets in it, encrypted. The engine encrypts them into a file of its own that starts
 * with this one's salt, because it writes at once: the user's file changes once, when secrets and facts are complete.
 */
export async function addSecrets(
  stack: Stack,
  text: string,
  secrets: readonly NewSecret[],
): Promise<string> {
  if (secrets.length === 0) return text;
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-"));
  try {
    const file = join(folder, "stack.yaml");
    const settings = { ...readSettings(text, stack.file), config: {} };
    writeFileSync(file, stringify(settings), { mode: 0o600 });
    for (const [index, secret] of secrets.entries())
      await encrypt(stack, file, `${NAMESPACE}secret${index}`, secret);
    const encrypted = readSettings(readFileSync(file, "utf8"), file);
    return takeOver(text, encrypted, secrets);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The text with what the engine may have added at the top level: `encryptionsalt`, `encryptedkey`, ... */
export function addSettings(text: string, settings: Record<string, unknown>): string {
  const present = readSettings(text, "the stack file");
  return Object.entries(settings).reduce(
    (edited, [key, value]) =>
      key === "config" || key in present || typeof value !== "string"
        ? edited
        : addIn(edited, [key], value),
    text,
  );
}

async function encrypt(stack: Stack, file: string, key: string, secret: NewSecret): Promise<void> {
  const args = onStack(stack, "config", "set", "--secret", "--config-file", file, key);
  const answer = await askEngine(stack.project, args, secret.value.reveal());
  if (answer.exitCode === 0) return;
  throw new Failure(
    `the engine did not encrypt ${secret.path.join(".")}: ${complaintOf(answer)}`,
    `nothing was written; see that this works: pulumi config --stack ${stack.name}`,
  );
}

function takeOver(
  text: string,
  encrypted: Record<string, unknown>,
  secrets: readonly NewSecret[],
): string {
  const config = isMap(encrypted["config"]) ? encrypted["config"] : {};
  return secrets.reduce(
    (edited, { path }, index) => {
      const value = config[`${NAMESPACE}secret${index}`];
      const secure = isMap(value) ? value["secure"] : undefined;
      if (typeof secure !== "string")
        throw new Failure(`the engine gave no ciphertext for ${path.join(".")}`);
      return setIn(edited, configPath(path), { secure });
    },
    addSettings(text, encrypted),
  );
}

/** The ciphertext of a secret as it stands in the file; null where there is none. It can move to another key as it is. */
export function ciphertextAt(text: string, path: readonly string[], where: string): string | null {
  const inner = configPath(path)
    .slice(1)
    .reduce<unknown>(
      (value, key) => (isMap(value) ? value[key] : undefined),
      readSettings(text, where)["config"],
    );
  const secure = isMap(inner) ? inner["secure"] : undefined;
  return typeof secure === "string" ? secure : null;
}

/** The config as the file will say it when the secrets have been encrypted into it: for a review before that. */
export function withSecrets(config: RawConfig, secrets: readonly NewSecret[]): RawConfig {
  return secrets.reduce<RawConfig>((edited, { path: [key = "", name], value }) => {
    if (name === undefined) return { ...edited, [key]: value };
    const map = isMap(edited[key]) ? edited[key] : {};
    return { ...edited, [key]: { ...map, [name]: value } };
  }, config);
}

/** `["peers", "laptop"]` as the keys in the file. */
export function configPath([key = "", ...rest]: readonly string[]): string[] {
  return ["config", `${NAMESPACE}${key}`, ...rest];
}
