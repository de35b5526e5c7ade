/** `add-peer`: adds a peer to the stack file, with the next free address and a key pair. */
import { InvalidArgumentError, type Command } from "commander";
import { isMap } from "../../mesh/config/shape-issues";
import { parseName } from "../../mesh/config/values";
import type { RawConfig } from "../../mesh/config/read-draft";
import type { NodePlan } from "../../mesh/plan/plan";
import { Secret } from "../../mesh/secret";
import {
  collect,
  collectList,
  indented,
  newCommand,
  print,
  STACK_OPTION,
  type CommonOptions,
} from "../cli/command";
import { wrapLines } from "../cli/wrap";
import { log } from "../log";
import { Failure } from "../stack/failure";
import { hostKeysFor } from "../stack/known-hosts";
import { freeAddresses, givenFields, makeKeyPair, oneOrList } from "../stack/new-node";
import type { Addresses } from "../stack/new-node";
import { openStack } from "../stack/open-stack";
import { configPath, readConfigSoFar } from "../stack/stack-file";
import { addIn } from "../stack/yaml-edit";
import type { YamlValue } from "../stack/yaml-text";
import { lanNeighbour, siteHint } from "./add-peer/lan-neighbour";

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
    description:
      "Add a peer to the stack file, with the next free address and a new key pair. The next `up` adds it to the network.",
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
    .option(
      "--public-key <key>",
      "of a device that keeps its own private key; default: a new key pair",
    )
    .option("--address <address>", "tunnel address; default: the next free one")
    .option("--address6 <address>", "IPv6 tunnel address; default: the next free one")
    .option("--endpoint <host:port>", "where all nodes can dial it")
    .option("--listen-port <port>", "UDP port that it listens on", wholeNumber)
    .option("--site <name>", "the site that it belongs to")
    .option("--site-endpoint <host:port>", "where nodes of the same site can dial it")
    .option("--relay <name>", "its home relay; default: the first")
    .option("--subnets <cidrs>", "LANs behind it, separated by commas", collectList)
    .option("--tags <tags>", "tags, separated by commas", collectList)
    .option("--expires <date>", "its last day in the network, e.g. 2026-12-31")
    .action(addPeer);
}

async function addPeer(name: string, options: AddPeerOptions): Promise<void> {
  parseName(name);
  const stack = openStack(options.stack);
  refuseTaken(name, options, stack.configSoFar);
  const pair = options.publicKey === undefined ? makeKeyPair() : null;
  const hostKeys = await hostKeysFor(options.host ?? [], options.hostKey, log);
  const publicKey = pair?.publicKey ?? options.publicKey ?? "";
  let addresses: Addresses = { address: "" };
  await stack.edit((text) => {
    // Another command may have used the name or the address in between.
    const config = readConfigSoFar(text, stack.file);
    refuseTaken(name, options, config);
    addresses = freeAddresses(config, { kind: "peer", ...options });
    const fields = fieldsOf(options, { ...addresses, publicKey }, hostKeys);
    return {
      text: addIn(text, configPath(["peers", name]), fields),
      secrets: pair === null ? [] : [{ path: ["privateKeys", name], value: pair.privateKey }],
    };
  });
  const node = stack.mesh.plan?.nodes.find((candidate) => candidate.name === name);
  const next = nextSteps(name, node);
  const neighbour = node === undefined ? null : lanNeighbour(node, stack.mesh.plan?.nodes ?? []);
  if (neighbour !== null) log(siteHint(name, neighbour));
  const { address, address6 = null } = addresses;
  print(
    options,
    { ok: true, node: name, address, address6, publicKey, file: stack.file, next },
    `${wrapLines(`${name} is in ${stack.file}: ${Object.values(addresses).join(", ")}, public key ${publicKey}`)}\n${indented(next)}`,
  );
}

function refuseTaken(name: string, options: AddPeerOptions, config: RawConfig): void {
  for (const group of ["peers", "relays"]) {
    if (!isMap(config[group]) || !Object.hasOwn(config[group], name)) continue;
    throw new Failure(
      `${group}.${name} exists already`,
      "edit it in the stack file, or choose another name",
    );
  }
  const keys = config["privateKeys"];
  if (options.publicKey !== undefined) return;
  if (keys instanceof Secret) {
    throw new Failure(
      "privateKeys is encrypted as a whole, so no key can be added to it",
      "set its keys one by one: npx pulumi config set --secret --path wireguard-mesh:privateKeys.NAME",
    );
  }
  if (isMap(keys) && Object.hasOwn(keys, name)) {
    throw new Failure(
      `the stack has a private key for ${name} already, and this would make another one`,
      `give its public key as --public-key, or remove it: npx pulumi config rm --path wireguard-mesh:privateKeys.${name}`,
    );
  }
}

function fieldsOf(
  options: AddPeerOptions,
  identity: Addresses & { publicKey: string },
  hostKeys: string[] | undefined,
): Record<string, YamlValue> {
  return givenFields({
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

/** Lines `COMMAND   # what it does`. `node`: undefined where the config cannot be planned, or has the node disabled. */
function nextSteps(name: string, node: NodePlan | undefined): string[] {
  const steps = [
    "npx wireguard-mesh preview   # see what will change on which machine",
    "npx wireguard-mesh up        # apply it",
  ];
  const device = node === undefined || node.hosts.length > 0 ? [] : deviceSteps(name, node);
  const lan = node === undefined || node.subnets.length === 0 ? [] : [LAN_STEP];
  return [...steps, ...device, ...lan];
}

const LAN_STEP = "npx wireguard-mesh plan      # lists the routes that the LAN's router needs";

function deviceSteps(name: string, { custody }: NodePlan): string[] {
  if (custody === "device")
    return [`npx wireguard-mesh config ${name}   # then: its config, without the key`];
  return [
    `npx wireguard-mesh qr ${name}   # then: its config to scan`,
    `npx wireguard-mesh config ${name} --out ${name}.conf   # or as a file`,
  ];
}
