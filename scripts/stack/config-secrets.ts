/** Secrets in the stack file, encrypted and decrypted by the engine with the stack's secrets provider. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import type { RawConfig } from "../../mesh/config/read-draft";
import { isMap } from "../../mesh/config/shape-issues";
import { Secret } from "../../mesh/secret";
import { captureEngine, errorOf, onStack, queryStack, remedyFor } from "./engine";
import { Failure } from "./failure";
import type { StackRef } from "./project";
import { configPath, NAMESPACE, readSettings } from "./stack-file";
import { addIn, setIn } from "./yaml-edit";

export interface NewSecret {
  /** Its config key, and the node: `["privateKeys", "laptop"]`. */
  path: readonly string[];
  value: Secret;
}

/**
 * The stack file's text with the secrets added, encrypted. The engine writes the file for each secret, so it gets a temporary
 * file with the same salt, and the user's file is written once.
 */
export async function addSecrets(
  stack: StackRef,
  text: string,
  secrets: readonly NewSecret[],
): Promise<string> {
  if (secrets.length === 0) return text;
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-"));
  try {
    const file = join(folder, "stack.yaml");
    const settings = readSettings(text, stack.file);
    const kept = Object.entries(settings).filter(([, value]) => typeof value === "string");
    writeFileSync(file, stringify({ ...Object.fromEntries(kept), config: {} }), { mode: 0o600 });
    for (const [index, secret] of secrets.entries())
      await encrypt(stack, file, `${NAMESPACE}secret${index}`, secret);
    const encrypted = readSettings(readFileSync(file, "utf8"), file);
    return withCiphertexts(text, encrypted, secrets);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The text with the top-level keys that the engine may have added: `encryptionsalt`, `encryptedkey`, ... */
export function addSettings(text: string, settings: Record<string, unknown>): string {
  const present = readSettings(text, "the stack file");
  return Object.entries(settings).reduce(
    (edited, [key, value]) =>
      key === "config" || Object.hasOwn(present, key) || typeof value !== "string"
        ? edited
        : addIn(edited, [key], value),
    text,
  );
}

async function encrypt(
  stack: StackRef,
  file: string,
  key: string,
  secret: NewSecret,
): Promise<void> {
  const args = onStack(stack, "config", "set", "--secret", "--config-file", file, key);
  const answer = await captureEngine(stack.project, args, secret.value.reveal());
  if (answer.exitCode === 0) return;
  throw new Failure(
    `pulumi did not encrypt ${secret.path.join(".")}: ${errorOf(answer)}`,
    `nothing was written; ${remedyFor(answer) ?? `check that this works: npx pulumi config --stack ${stack.name}`}`,
  );
}

function withCiphertexts(
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
        throw new Failure(`pulumi wrote no ciphertext for ${path.join(".")}`);
      return setIn(edited, configPath(path), { secure });
    },
    addSettings(text, encrypted),
  );
}

/** The ciphertext of a secret in the file; null if there is none. It can be moved to another key of the same file. */
export function ciphertextAt(text: string, path: readonly string[], where: string): string | null {
  const inner = configPath(path)
    .slice(1)
    .reduce<unknown>(
      (value, key) => (isMap(value) && Object.hasOwn(value, key) ? value[key] : undefined),
      readSettings(text, where)["config"],
    );
  const secure = isMap(inner) ? inner["secure"] : undefined;
  return typeof secure === "string" ? secure : null;
}

/** The config with the new secrets, which a review needs before they are encrypted. */
export function withSecrets(config: RawConfig, secrets: readonly NewSecret[]): RawConfig {
  return secrets.reduce<RawConfig>((edited, { path: [key = "", name], value }) => {
    if (name === undefined) return { ...edited, [key]: value };
    const map = isMap(edited[key]) ? edited[key] : {};
    return { ...edited, [key]: { ...map, [name]: value } };
  }, config);
}

/** A secret of the config, decrypted; `path` as for NewSecret. */
export async function decrypt(stack: StackRef, path: readonly string[]): Promise<Secret> {
  const key = `${NAMESPACE}${path.join(".")}`;
  const args = ["config", "get", ...(path.length > 1 ? ["--path"] : []), key];
  return Secret.of(await queryStack(stack, args, key));
}
