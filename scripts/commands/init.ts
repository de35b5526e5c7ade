/** `init`: makes a stack ready for use, and adds what is missing to one that is there; nothing there is changed. */
import type { Command } from "commander";
import { isMap } from "../../mesh/config/shape-issues";
import type { RawConfig } from "../../mesh/config/read-draft";
import { networkDefaults } from "../../mesh/config/draft";
import { parseName } from "../../mesh/config/values";
import { addSecrets, configPath, withSecrets, type NewSecret } from "../stack/encrypt";
import { Failure } from "../stack/failure";
import { freeAddresses, type Addresses } from "../stack/free-address";
import { makeKeyPair, makeSeed } from "../stack/key-pair";
import { hostKeysFor } from "../stack/known-hosts";
import { givenFacts, oneOrList } from "../stack/node-facts";
import { findStackOr, type Stack } from "../stack/project";
import { readConfigSoFar, readNodes, reviewEdit } from "../stack/review-edit";
import { readSettings, writeStackFile } from "../stack/stack-file";
import { addIn, type YamlValue } from "../stack/yaml-edit";
import { collect, newCommand, print, say, STACK_OPTION, type CommonOptions } from "./command";
import { ec2Facts, type Ec2Options } from "./init/ec2-facts";
import { ensureStack } from "./init/ensure-stack";

interface InitOptions extends CommonOptions, Ec2Options {
  relay: string;
  host?: string[];
  hostKey?: string[];
  endpoint?: string;
  cidr?: string;
  cidr6?: string;
  secretsProvider?: string;
  lostSecrets?: true;
}

/** The stack file in the making. */
interface Edit {
  text: string;
  secrets: NewSecret[];
  /** What was added, in words. */
  added: string[];
}

export function initCommand(): Command {
  return newCommand("init", {
    says: "Make a stack ready for use: the stack itself, the network's address range, a relay with its keys, and the seed of the preshared keys. What is there already stays as it is. Private keys are encrypted with the stack's passphrase (PULUMI_CONFIG_PASSPHRASE), which is enough for one person or a few; for a team take a key service, by --secrets-provider. docs/secrets.md tells more.",
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
    .option("--ec2", "make the relay's machine on EC2 instead")
    .option("--instance-type <type>", "of that machine; default: t4g.nano")
    .option("--admin-cidr <cidr>", "from where its SSH can be reached; may be repeated", collect)
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
      "who encrypts the secrets of a new stack: passphrase (default), or the URL of a key service, as awskms://alias/mesh?region=eu-west-1; azurekeyvault://, gcpkms://, hashivault://",
    )
    .option(
      "--lost-secrets",
      "the passphrase is lost: take out all that is encrypted; hosts keep their keys, everyone else gets a new one",
    )
    .action(init);
}

async function init(options: InitOptions): Promise<void> {
  parseName(options.relay);
  const stack = findStackOr(options.stack, "dev");
  const relay = await relayFacts(options);
  const { text, made } = await ensureStack(
    stack,
    options.secretsProvider,
    options.lostSecrets === true,
  );
  const before = readConfigSoFar(text, stack.file);
  const edit: Edit = { text, secrets: [], added: made ? [`the stack ${stack.name}`] : [] };
  addNetwork(edit, options, before);
  addRelay(edit, options.relay, relay, readConfigSoFar(edit.text, stack.file));
  addKeys(edit, readConfigSoFar(edit.text, stack.file));
  addSeed(edit, before, "presharedKeySeed", "the seed of the preshared keys");
  if (options.ec2 === true || hasEc2(before))
    addSeed(edit, before, "sshAuthoritySeed", "the seed of the authority for SSH host keys");
  if (options.region !== undefined) addRegion(edit, options.region, stack.file);
  reviewEdit(before, withSecrets(readConfigSoFar(edit.text, stack.file), edit.secrets));
  const complete = await addSecrets(stack, edit.text, edit.secrets);
  if (complete !== text || made) writeStackFile(stack.file, complete);
  tell(stack, edit.added, options);
}

/** Undefined where no relay is asked for. */
async function relayFacts(options: InitOptions): Promise<Record<string, YamlValue> | undefined> {
  const made = await ec2Facts(options, say);
  if (made !== undefined) return givenFacts({ ...made, endpoint: options.endpoint });
  if (options.host === undefined) return undefined;
  const facts = {
    host: oneOrList(options.host),
    hostKey: oneOrList(await hostKeysFor(options.host, options.hostKey, say)),
    endpoint: options.endpoint,
  };
  return givenFacts(facts);
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
    "the stack file describes the network already, and init changes nothing that is there",
    "edit wireguard-mesh:network in the stack file",
  );
}

function addRelay(
  edit: Edit,
  name: string,
  facts: Record<string, YamlValue> | undefined,
  config: RawConfig,
): void {
  if (facts === undefined) return;
  for (const group of ["relays", "peers"]) {
    if (!isMap(config[group]) || !(name in config[group])) continue;
    throw new Failure(
      `${group}.${name} is there already, and init changes nothing that is there`,
      `edit it in the stack file, or give the new relay another name with --relay`,
    );
  }
  const addresses = freeAddresses(readNodes(config));
  const publicKey = addKeyPair(edit, "relay", name);
  const relay = { ...addresses, publicKey, ...facts };
  edit.text = addIn(edit.text, configPath(["relays", name]), relay);
}

/** A key pair and an address for every node that was written down by hand without. */
function addKeys(edit: Edit, config: RawConfig): void {
  const given: Addresses[] = [];
  for (const group of ["relays", "peers"]) {
    const nodes = isMap(config[group]) ? Object.entries(config[group]) : [];
    for (const [name, node] of nodes) {
      if (!isMap(node) || isSet(node["publicKey"]) || holdsKey(config, name)) continue;
      if (!isSet(node["address"])) {
        const free = freeAddresses(readNodes(config), given);
        given.push(free);
        edit.text = addIn(edit.text, configPath([group, name, "address"]), free.address);
      }
      const publicKey = addKeyPair(edit, group === "relays" ? "relay" : "peer", name);
      edit.text = addIn(edit.text, configPath([group, name, "publicKey"]), publicKey);
    }
  }
}

/** Notes the private key; the public one is for the caller to write. */
function addKeyPair(edit: Edit, kind: string, name: string): string {
  const { privateKey, publicKey } = makeKeyPair();
  edit.secrets.push({ path: ["privateKeys", name], value: privateKey });
  edit.added.push(`${kind} ${name}, public key ${publicKey}`);
  return publicKey;
}

function addSeed(edit: Edit, config: RawConfig, key: string, what: string): void {
  if (isSet(config[key])) return;
  edit.secrets.push({ path: [key], value: makeSeed() });
  edit.added.push(what);
}

/** The AWS provider's own key, so outside our namespace. One that stands there stays. */
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
  return isSet(keys) && (!isMap(keys) || name in keys);
}

function tell(stack: Stack, added: string[], options: CommonOptions): void {
  const next = [
    "npx wireguard-mesh add-peer laptop --host local   # this machine",
    "npx wireguard-mesh add-peer phone                 # a device that gets its config as a QR code",
    "npx wireguard-mesh preview",
  ];
  const what =
    added.length === 0
      ? `${stack.file} has all it needs; nothing was changed`
      : `${stack.file} now has:\n${added.map((line) => `  ${line}`).join("\n")}`;
  print(
    options,
    { ok: true, stack: stack.name, file: stack.file, added, next },
    `${what}\nNext:\n${next.map((line) => `  ${line}`).join("\n")}`,
  );
}
