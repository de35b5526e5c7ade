/** `init`: creates a stack, or adds what is missing to an existing one, without changing what it has. */
import type { Command } from "commander";
import { isMap } from "../../mesh/config/shape-issues";
import type { RawConfig } from "../../mesh/config/read-draft";
import { networkDefaults } from "../../mesh/config/shapes";
import type { SecretText } from "../../mesh/config/secret-keys";
import { parseName } from "../../mesh/config/values";
import {
  collect,
  indented,
  newCommand,
  print,
  STACK_OPTION,
  type CommonOptions,
} from "../cli/command";
import { log } from "../log";
import { addSecrets, withSecrets, type NewSecret } from "../stack/config-secrets";
import { Failure } from "../stack/failure";
import { hostKeysFor } from "../stack/known-hosts";
import { freeAddresses, givenFields, makeKeyPair, makeSeed, oneOrList } from "../stack/new-node";
import type { Addresses } from "../stack/new-node";
import { reviewEdit } from "../stack/open-stack";
import { findStackOr, type StackRef } from "../stack/project";
import { configPath, readConfigSoFar, readSettings } from "../stack/stack-file";
import { replaceUserFile, withFileLock } from "../stack/user-file";
import { addIn } from "../stack/yaml-edit";
import type { YamlValue } from "../stack/yaml-text";
import { ec2Fields, type Ec2Options } from "./init/ec2-fields";
import { ensureStack, type StackOptions } from "../stack/ensure-stack";

interface InitOptions extends CommonOptions, Ec2Options, StackOptions {
  relay: string;
  host?: string[];
  hostKey?: string[];
  endpoint?: string;
  cidr?: string;
  cidr6?: string;
}

/** The stack file as edited so far. */
interface Edit {
  text: string;
  secrets: NewSecret[];
  /** What was added, for the report. */
  added: string[];
}

export function initCommand(): Command {
  return newCommand("init", {
    description:
      "Create a stack: the stack itself, the network's address range, a relay with its keys, and the seed of the preshared keys. What exists already stays as it is. Private keys are encrypted with the stack's passphrase (PULUMI_CONFIG_PASSPHRASE), which is enough for one person or a few; for a team use a key service, see --secrets-provider and docs/secrets.md.",
    examples: [
      "init --stack home --relay tokyo --host root@203.0.113.10",
      "init --stack home --relay tokyo --ec2 --admin-cidr 203.0.113.7/32 --region ap-northeast-1",
      "init --stack home --host admin@203.0.113.10 --host-key 'ssh-ed25519 AAAA...' --cidr 10.20.0.0/24",
    ],
  })
    .option(STACK_OPTION[0], "the stack; default: PULUMI_STACK, else the selected one, else dev")
    .option("--relay <name>", "the relay's name", "relay")
    .option(
      "--host <host>",
      "how to log in to the relay: user@address[:port]; without it there is no relay",
      collect,
    )
    .option("--host-key <key>", "the relay's SSH host key; default: from your known_hosts", collect)
    .option(
      "--endpoint <host:port>",
      "where peers dial the relay; default: its SSH address, port 51820",
    )
    .option("--ec2", "create the relay's machine on EC2 instead")
    .option("--instance-type <type>", "of that machine; default: t4g.nano")
    .option(
      "--admin-cidr <cidr>",
      "from where its SSH port can be reached; may be repeated",
      collect,
    )
    .option(
      "--authorized-key <key>",
      "a public key that may log in to it; default: those of your SSH agent, else of ~/.ssh",
      collect,
    )
    .option("--region <region>", "of AWS, e.g. ap-northeast-1")
    .option("--cidr <cidr>", `tunnel addresses; default: ${networkDefaults.cidr}`)
    .option("--cidr6 <cidr>", "IPv6 tunnel addresses too, e.g. fd5c:10::/64")
    .option(
      "--secrets-provider <provider>",
      "what encrypts the secrets of a new stack: passphrase (default), or the URL of a key service, e.g. awskms://alias/mesh?region=eu-west-1; azurekeyvault://, gcpkms://, hashivault://",
    )
    .option(
      "--lost-secrets",
      "the passphrase is lost: remove everything that is encrypted; hosts keep their keys, all other nodes get new ones",
    )
    .action(init);
}

async function init(options: InitOptions): Promise<void> {
  parseName(options.relay);
  const stack = findStackOr(options.stack, "dev");
  const relay = await relayFields(options);
  const added = await withFileLock(stack.file, () => completeStack(stack, relay, options));
  printResult(stack, added, options);
}

/** Returns what was added. */
async function completeStack(
  stack: StackRef,
  relay: Record<string, YamlValue> | undefined,
  options: InitOptions,
): Promise<string[]> {
  const { text, created, heading } = await ensureStack(stack, options);
  const before = readConfigSoFar(text, stack.file);
  const edit: Edit = {
    text: heading + text,
    secrets: [],
    added: created ? [`the stack ${stack.name}`] : [],
  };
  addNetwork(edit, options, before);
  addRelay(edit, options.relay, relay, readConfigSoFar(edit.text, stack.file));
  addKeys(edit, readConfigSoFar(edit.text, stack.file));
  addSeed(edit, before, "presharedKeySeed", "the seed of the preshared keys");
  if (options.ec2 === true || hasEc2(before))
    addSeed(edit, before, "sshAuthoritySeed", "the seed of the SSH authority that signs host keys");
  if (options.region !== undefined) addRegion(edit, options.region, stack.file);
  reviewEdit(before, withSecrets(readConfigSoFar(edit.text, stack.file), edit.secrets));
  const complete = await addSecrets(stack, edit.text, edit.secrets);
  if (complete !== text) replaceUserFile(stack.file, complete, text);
  return edit.added;
}

/** The fields of the new relay; undefined without one. */
async function relayFields(options: InitOptions): Promise<Record<string, YamlValue> | undefined> {
  const ec2 = await ec2Fields(options);
  if (ec2 !== undefined) return givenFields({ ...ec2, endpoint: options.endpoint });
  if (options.host === undefined) return undefined;
  return givenFields({
    host: oneOrList(options.host),
    hostKey: oneOrList(await hostKeysFor(options.host, options.hostKey, log)),
    endpoint: options.endpoint,
  });
}

function addNetwork(edit: Edit, options: InitOptions, config: RawConfig): void {
  const { cidr, cidr6 } = options;
  if (config["network"] === undefined || config["network"] === null) {
    const tunnels = {
      cidr: cidr ?? networkDefaults.cidr,
      ...(cidr6 === undefined ? {} : { cidr6 }),
    };
    edit.text = addIn(edit.text, configPath(["network"]), tunnels);
    edit.added.push(`network ${Object.values(tunnels).join(" and ")}`);
    return;
  }
  if (cidr === undefined && cidr6 === undefined) return;
  throw new Failure(
    "the stack file has a network already, and init changes nothing that exists",
    "edit wireguard-mesh:network in the stack file",
  );
}

function addRelay(
  edit: Edit,
  name: string,
  fields: Record<string, YamlValue> | undefined,
  config: RawConfig,
): void {
  if (fields === undefined) return;
  for (const group of ["relays", "peers"]) {
    if (!isMap(config[group]) || !Object.hasOwn(config[group], name)) continue;
    throw new Failure(
      `${group}.${name} exists already, and init changes nothing that exists`,
      `edit it in the stack file, or give the new relay another name with --relay`,
    );
  }
  const addresses = freeAddresses(config, { kind: "relay" });
  const publicKey = addKeyPair(edit, "relay", name);
  const relay = { ...addresses, publicKey, ...fields };
  edit.text = addIn(edit.text, configPath(["relays", name]), relay);
}

/** Adds a key pair and an address to every node that was written by hand without them. */
function addKeys(edit: Edit, config: RawConfig): void {
  const given: Addresses[] = [];
  for (const group of ["relays", "peers"]) {
    const kind = group === "relays" ? "relay" : "peer";
    const nodes = isMap(config[group]) ? Object.entries(config[group]) : [];
    for (const [name, node] of nodes) {
      if (!isMap(node) || isSet(node["publicKey"]) || holdsKey(config, name)) continue;
      if (!isSet(node["address"])) {
        const free = freeAddresses(config, { kind, relay: node["relay"] }, given);
        given.push(free);
        edit.text = addIn(edit.text, configPath([group, name, "address"]), free.address);
      }
      const publicKey = addKeyPair(edit, kind, name);
      edit.text = addIn(edit.text, configPath([group, name, "publicKey"]), publicKey);
    }
  }
}

/** Adds the private key to the edit's secrets; returns the public key for the caller to write. */
function addKeyPair(edit: Edit, kind: string, name: string): string {
  const { privateKey, publicKey } = makeKeyPair();
  edit.secrets.push({ path: ["privateKeys", name], value: privateKey });
  edit.added.push(`${kind} ${name}, public key ${publicKey}`);
  return publicKey;
}

function addSeed(edit: Edit, config: RawConfig, key: SecretText, what: string): void {
  if (isSet(config[key])) return;
  edit.secrets.push({ path: [key], value: makeSeed() });
  edit.added.push(what);
}

/** A config key of the AWS provider, so not in the namespace wireguard-mesh. An existing one stays. */
function addRegion(edit: Edit, region: string, where: string): void {
  const { config } = readSettings(edit.text, where);
  if (isMap(config) && isSet(config["aws:region"])) return;
  edit.text = addIn(edit.text, ["config", "aws:region"], region);
  edit.added.push(`aws:region ${region}`);
}

function hasEc2({ relays }: RawConfig): boolean {
  const nodes = isMap(relays) ? Object.values(relays) : [];
  return nodes.some((node) => isMap(node) && isSet(node["ec2"]));
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function holdsKey(config: RawConfig, name: string): boolean {
  const keys = config["privateKeys"];
  return isSet(keys) && (!isMap(keys) || Object.hasOwn(keys, name));
}

function printResult(stack: StackRef, added: string[], options: CommonOptions): void {
  const next = [
    "npx wireguard-mesh add-peer laptop --host local   # this machine",
    "npx wireguard-mesh add-peer phone                 # a device that gets its config as a QR code",
    "npx wireguard-mesh preview",
  ];
  const what =
    added.length === 0
      ? `${stack.file} is complete; nothing was changed`
      : `${stack.file} now has:\n${indented(added)}`;
  print(
    options,
    { ok: true, stack: stack.name, file: stack.file, added, next },
    `${what}\nNext:\n${indented(next)}`,
  );
}
