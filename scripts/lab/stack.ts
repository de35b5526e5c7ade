/** The stack of a lab: its config file in the repository, and everything the engine needs, below the lab's folder. */
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import type { SecretKey } from "../../mesh/config/secret-keys";
import { privateKeyFrom, publicKeyOf } from "../../mesh/keys";
import type { Secret } from "../../mesh/secret";
import type { Lab } from "./lab";
import { sealWith } from "./passphrase-seal";
import type { Seal } from "./passphrase-seal";
import { findRepository, stackFile, stackName } from "./repository";
import type { MeshConfig, NodeFields } from "./scenario";
import { LabError } from "./world";

const NAMESPACE = "wireguard-mesh:";

export interface Stack {
  name: string;
  /** The stack's config file. */
  file: string;
}

/**
 * Writes the stack file with new keys for every node, makes the stack in a backend of the lab's own, and points the
 * operator's environment at it: `pulumi up` on the operator converges it.
 * @throws LabError when there is no engine on PATH.
 */
export async function makeStack(lab: Lab, config: MeshConfig): Promise<Stack> {
  const stack = { name: stackName(lab.id), file: stackFile(lab.id) };
  const passphrase = crypto.randomBytes(24).toString("base64");
  const environment = prepareEngine(lab, stack.name, passphrase, standInFolders(config));
  const seal = await sealWith(passphrase);
  fs.writeFileSync(stack.file, stackText(lab, config, seal), { mode: 0o600 });
  lab.setOperatorEnvironment(environment);
  const made = await lab.exec("operator", ["pulumi", "stack", "init", stack.name, "--no-select"]);
  if (made.code !== 0) {
    throw new LabError(`pulumi stack init failed (${made.code}): ${made.stderr || made.stdout}`);
  }
  return stack;
}

/** Folders for state and engine, the passphrase's file; returns the environment that leads to them. */
function prepareEngine(
  lab: Lab,
  stack: string,
  passphrase: string,
  folders: string[],
): Record<string, string> {
  const place = (name: string): string => path.join(lab.folder.engine, name);
  for (const folder of ["backend", "home"]) fs.mkdirSync(place(folder), { mode: 0o700 });
  fs.writeFileSync(place("passphrase"), passphrase, { mode: 0o600 });
  linkInstalled(place("home"));
  const bin = path.join(findRepository(), "node_modules", ".bin");
  return {
    PATH: [...folders, process.env["PATH"] ?? "", bin].join(":"),
    PULUMI_HOME: place("home"),
    PULUMI_BACKEND_URL: `file://${place("backend")}`,
    PULUMI_CONFIG_PASSPHRASE_FILE: place("passphrase"),
    PULUMI_STACK: stack,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // No packet leaves the operator's namespace: without this each run would lose seconds trying to download.
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** A home of its own, so that the user's selected stack and log-in stay; with the CLI and plugins that are installed. */
function linkInstalled(home: string): void {
  const users = process.env["PULUMI_HOME"] ?? path.join(process.env["HOME"] ?? "/root", ".pulumi");
  for (const part of ["versions", "plugins"]) {
    const installed = path.resolve(users, part);
    if (fs.existsSync(installed)) fs.symlinkSync(installed, path.join(home, part));
  }
}

function stackText(lab: Lab, config: MeshConfig, { encryptionSalt, seal }: Seal): string {
  const keys = new Map<string, Secret>();
  const complete = (nodes: Record<string, NodeFields> | undefined) =>
    Object.fromEntries(
      Object.entries(nodes ?? {}).map(([name, fields]) => {
        const key = privateKeyFrom(crypto.randomBytes(32));
        keys.set(name, key);
        return [name, completeNode(lab, name, fields, key)];
      }),
    );
  const facts: Record<string, unknown> = {
    ...config,
    ...(config.relays === undefined ? {} : { relays: complete(config.relays) }),
    peers: complete(config.peers),
  };
  const secrets: Partial<Record<SecretKey, unknown>> = {
    privateKeys: Object.fromEntries([...keys].map(([name, key]) => [name, seal(key.reveal())])),
    presharedKeySeed: seal(randomText()),
    sshPrivateKey: seal(lab.sshPrivateKey()),
    ...(hasEc2(config) ? { sshAuthoritySeed: seal(randomText()) } : {}),
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

export function hasEc2({ relays }: MeshConfig): boolean {
  return Object.values(relays ?? {}).some((fields) => "ec2" in fields);
}

/** The stand-in for the plugin aws is on PATH only where it is wanted: a network without EC2 shall run without it. */
function standInFolders(config: MeshConfig): string[] {
  return hasEc2(config) ? [path.join(findRepository(), "scripts/lab/aws-plugin/bin")] : [];
}

function randomText(): string {
  return crypto.randomBytes(32).toString("base64");
}

function completeNode(lab: Lab, name: string, fields: NodeFields, key: Secret): NodeFields {
  const isPushed = "host" in fields && lab.hosts.includes(name);
  return {
    ...fields,
    publicKey: publicKeyOf(key),
    ...(isPushed ? { hostKey: lab.hostKey(name) } : {}),
  };
}
