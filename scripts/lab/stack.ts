/** Creates the stack of a lab: its config file in the repository, its backend and engine files in the lab's folder. */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import type { SecretKey } from "../../mesh/config/secret-keys";
import { makeKeyPair, makeSeed, type KeyPair } from "../stack/new-node";
import type { Lab } from "./lab";
import { createCrypter } from "./passphrase-crypter";
import type { Crypter } from "./passphrase-crypter";
import { findRepository, stackFile, stackName } from "./repository";
import type { NodeFields, ScenarioConfig } from "./scenario";
import { LabError } from "./world";

const NAMESPACE = "wireguard-mesh:";

export interface LabStack {
  name: string;
  /** The stack's config file. */
  file: string;
}

/**
 * Writes the stack file with new keys for every node, creates the stack in the lab's own backend, and selects it in the
 * operator's environment, so that `pulumi up` on the operator converges it.
 * @throws LabError when there is no engine on PATH.
 */
export async function createStack(lab: Lab, config: ScenarioConfig): Promise<LabStack> {
  const stack = { name: stackName(lab.id), file: stackFile(lab.id) };
  const passphrase = crypto.randomBytes(24).toString("base64");
  const environment = prepareEngine(lab, stack.name, passphrase, standInFolders(config));
  const crypter = await createCrypter(passphrase);
  fs.writeFileSync(stack.file, stackText(lab, config, crypter), { mode: 0o600 });
  lab.setOperatorEnvironment(environment);
  const init = await lab.exec("operator", ["pulumi", "stack", "init", stack.name, "--no-select"]);
  if (init.code !== 0) {
    throw new LabError(`pulumi stack init failed (${init.code}): ${init.stderr || init.stdout}`);
  }
  return stack;
}

/** Creates the backend, Pulumi home and passphrase file; returns the environment variables that select them. */
function prepareEngine(
  lab: Lab,
  stack: string,
  passphrase: string,
  folders: string[],
): Record<string, string> {
  const pathOf = (name: string): string => path.join(lab.folder.engine, name);
  for (const folder of ["backend", "home"]) fs.mkdirSync(pathOf(folder), { mode: 0o700 });
  fs.writeFileSync(pathOf("passphrase"), passphrase, { mode: 0o600 });
  linkInstalled(pathOf("home"));
  const bin = path.join(findRepository(), "node_modules", ".bin");
  return {
    PATH: [...folders, process.env["PATH"] ?? "", bin].join(":"),
    PULUMI_HOME: pathOf("home"),
    PULUMI_BACKEND_URL: `file://${pathOf("backend")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: pathOf("passphrase"),
    PULUMI_STACK: stack,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // The operator's namespace has no internet access: without this each run would spend seconds on a download.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** Links the installed CLI and plugins into the lab's Pulumi home, which keeps the user's login and selected stack. */
function linkInstalled(home: string): void {
  const userHome =
    process.env["PULUMI_HOME"] ?? path.join(process.env["HOME"] ?? "/root", ".pulumi");
  for (const part of ["versions", "plugins"]) {
    const installed = path.resolve(userHome, part);
    if (fs.existsSync(installed)) fs.symlinkSync(installed, path.join(home, part));
  }
}

function stackText(lab: Lab, config: ScenarioConfig, { encryptionSalt, encrypt }: Crypter): string {
  const keyPairs = new Map<string, KeyPair>();
  const complete = (nodes: Record<string, NodeFields> | undefined) =>
    Object.fromEntries(
      Object.entries(nodes ?? {}).map(([name, fields]) => {
        const keyPair = makeKeyPair();
        keyPairs.set(name, keyPair);
        return [name, completeNode(lab, name, fields, keyPair)];
      }),
    );
  const facts: Record<string, unknown> = {
    ...config,
    ...(config.relays === undefined ? {} : { relays: complete(config.relays) }),
    peers: complete(config.peers),
  };
  const secrets: Partial<Record<SecretKey, unknown>> = {
    privateKeys: Object.fromEntries(
      [...keyPairs].map(([name, { privateKey }]) => [name, encrypt(privateKey.reveal())]),
    ),
    presharedKeySeed: encrypt(makeSeed().reveal()),
    sshPrivateKey: encrypt(lab.sshPrivateKey()),
    ...(hasEc2(config) ? { sshAuthoritySeed: encrypt(makeSeed().reveal()) } : {}),
  };
  const entries = Object.entries({ ...facts, ...secrets }).map(([key, value]) => [
    `${NAMESPACE}${key}`,
    value,
  ]);
  const region = hasEc2(config) ? { "aws:region": "ap-northeast-1" } : {};
  const settings: unknown = { ...region, ...Object.fromEntries(entries) };
  const text = { encryptionsalt: encryptionSalt, config: settings };
  return stringify(text, { lineWidth: 0 });
}

export function hasEc2({ relays }: ScenarioConfig): boolean {
  return Object.values(relays ?? {}).some((fields) => "ec2" in fields);
}

/** The stand-in for the aws plugin is on PATH only for a relay on EC2: other networks must run without it. */
function standInFolders(config: ScenarioConfig): string[] {
  return hasEc2(config) ? [path.join(findRepository(), "scripts/lab/aws-plugin/bin")] : [];
}

function completeNode(
  lab: Lab,
  name: string,
  fields: NodeFields,
  { publicKey }: KeyPair,
): NodeFields {
  const isPushed = "host" in fields && lab.hosts.includes(name);
  return {
    ...fields,
    publicKey,
    ...(isPushed ? { hostKey: lab.hostKey(name) } : {}),
  };
}
