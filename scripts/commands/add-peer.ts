/** `add-peer`: a new peer in the stack file, with the next free address and a key pair. */
import { InvalidArgumentError, type Command } from "commander";
import { isMap } from "../../mesh/config/shape-issues";
import { parseName } from "../../mesh/config/values";
import type { RawConfig } from "../../mesh/config/read-draft";
import { Secret } from "../../mesh/secret";
import { addSecrets, configPath, withSecrets } from "../stack/encrypt";
import { Failure } from "../stack/failure";
import { freeAddresses, type Addresses } from "../stack/free-address";
import { makeKeyPair } from "../stack/key-pair";
import { hostKeysFor } from "../stack/known-hosts";
import { givenFacts, oneOrList } from "../stack/node-facts";
import { findStack } from "../stack/project";
import { readConfigSoFar, readNodes, reviewEdit } from "../stack/review-edit";
import { readStackFile, writeStackFile } from "../stack/stack-file";
import { addIn, type YamlValue } from "../stack/yaml-edit";
import { collect, collectList, newCommand, print, say, STACK_OPTION } from "./command";
import type { CommonOptions } from "./command";
import { nextSteps } from "./next-steps";

interface AddPeerOptions extends CommonOptions {
  host?: string[];
  hostKey?: string[];
  publicKey?: string;
  address?: string;
  address6?: string;
  endpoint?: string;
  listenPort?: number;
  site?: string;
  siteEndpoint?: string;
  relay?: string;
  subnets?: string[];
  tags?: string[];
  expires?: string;
}

export function addPeerCommand(): Command {
  return newCommand("add-peer <name>", {
    says: "Add a peer to the stack file, with the next free address and a new key pair. The next `up` lets it in.",
    examples: [
      "add-peer laptop --host local",
      "add-peer nas --host admin@via:tokyo --host-key 'ssh-ed25519 AAAA...' --subnets 192.168.10.0/24",
      "add-peer phone",
    ],
  })
    .option(...STACK_OPTION)
    .option(
      "--host <host>",
      "user@address[:port], user@via:RELAY or local; several are tried in order",
      collect,
    )
    .option(
      "--host-key <key>",
      "the machine's SSH host key; default: from your known_hosts",
      collect,
    )
    .option("--public-key <key>", "of a device that keeps its private key; default: a new key pair")
    .option("--address <address>", "tunnel address; default: the next free one")
    .option("--address6 <address>", "IPv6 tunnel address; default: the next free one")
    .option("--endpoint <host:port>", "where anyone can dial it")
    .option("--listen-port <port>", "UDP port that it listens on", wholeNumber)
    .option("--site <name>", "the site that it is at")
    .option("--site-endpoint <host:port>", "where nodes of the same site can dial it")
    .option("--relay <name>", "its home relay; default: the first")
    .option("--subnets <cidrs>", "LANs behind it, with commas", collectList)
    .option("--tags <tags>", "tags, with commas", collectList)
    .option("--expires <date>", "the last day that it takes part, e.g. 2026-12-31")
    .action(addPeer);
}

async function addPeer(name: string, options: AddPeerOptions): Promise<void> {
  parseName(name);
  const stack = findStack(options.stack);
  const text = readStackFile(stack.file);
  const before = readConfigSoFar(text, stack.file);
  refuseTaken(name, options, before);
  const pair = options.publicKey === undefined ? makeKeyPair() : null;
  const hostKeys = await hostKeysFor(options.host ?? [], options.hostKey, say);
  const addresses = addressesFor(options, before);
  const publicKey = pair?.publicKey ?? options.publicKey ?? "";
  const facts = factsOf(options, { ...addresses, publicKey }, hostKeys);
  const edited = addIn(text, configPath(["peers", name]), facts);
  const secrets = pair === null ? [] : [{ path: ["privateKeys", name], value: pair.privateKey }];
  const after = withSecrets(readConfigSoFar(edited, stack.file), secrets);
  const { plan } = reviewEdit(before, after);
  writeStackFile(stack.file, await addSecrets(stack, edited, secrets));
  const node = plan?.nodes.find((candidate) => candidate.name === name);
  const next = nextSteps(name, node);
  const { address, address6 = null } = addresses;
  print(
    options,
    { ok: true, node: name, address, address6, publicKey, file: stack.file, next },
    `${name} is in ${stack.file}: ${Object.values(addresses).join(", ")}, public key ${publicKey}\n${next.map((line) => `  ${line}`).join("\n")}`,
  );
}

function refuseTaken(name: string, options: AddPeerOptions, config: RawConfig): void {
  for (const group of ["peers", "relays"]) {
    if (!isMap(config[group]) || !(name in config[group])) continue;
    throw new Failure(
      `${group}.${name} is there already`,
      "edit it in the stack file, or choose another name",
    );
  }
  const keys = config["privateKeys"];
  if (options.publicKey !== undefined) return;
  if (keys instanceof Secret) {
    throw new Failure(
      "privateKeys is encrypted as a whole, so no key can be added to it",
      "set its keys one by one: pulumi config set --secret --path wireguard-mesh:privateKeys.NAME",
    );
  }
  if (isMap(keys) && name in keys) {
    throw new Failure(
      `the stack holds a private key for ${name} already, and this would make another`,
      `give the public key that belongs to it as --public-key, or remove it: pulumi config rm --path wireguard-mesh:privateKeys.${name}`,
    );
  }
}

function addressesFor(options: AddPeerOptions, config: RawConfig): Addresses {
  const { address, address6 } = options;
  const needed = address === undefined || address6 === undefined;
  const free: Partial<Addresses> = needed ? freeAddresses(readNodes(config)) : {};
  const six = address6 ?? free.address6;
  return {
    address: address ?? free.address ?? "",
    ...(six === undefined ? {} : { address6: six }),
  };
}

function factsOf(
  options: AddPeerOptions,
  identity: Addresses & { publicKey: string },
  hostKeys: string[] | undefined,
): Record<string, YamlValue> {
  return givenFacts({
    ...identity,
    host: oneOrList(options.host),
    hostKey: oneOrList(hostKeys),
    endpoint: options.endpoint,
    listenPort: options.listenPort,
    site: options.site,
    siteEndpoint: options.siteEndpoint,
    relay: options.relay,
    subnets: options.subnets,
    tags: options.tags,
    expires: options.expires,
  });
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("it is not a whole number.");
}
