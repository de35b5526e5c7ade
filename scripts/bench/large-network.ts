/** A network of many peers around a relay, of which some are hosts of the lab, the others devices. */
import * as fs from "node:fs";
import { parse, stringify } from "yaml";
import type { Lab } from "../lab/lab";
import type { NodeFields, ScenarioConfig } from "../lab/scenario";
import { createStack, type LabStack } from "../lab/stack";

export interface LargeNetwork {
  /** The number of hosts of the lab (`p1` and so on) without the relay. */
  hosts: number;
  peers: number;
  /** Every other peer has one of five tags, each tag may reach the next one at some ports, and p1 may reach p2. */
  policy?: true;
}

const TAGS = 5;

/**
 * Creates its stack. It has no private keys of devices: with them the config would be longer than the 128 KiB that Linux
 * allows in the environment of a Pulumi program.
 */
export async function createLargeStack(lab: Lab, network: LargeNetwork): Promise<LabStack> {
  const stack = await createStack(lab, largeConfig(lab, network));
  const file = parse(fs.readFileSync(stack.file, "utf8")) as StackFile;
  const keys = Object.entries(file.config["wireguard-mesh:privateKeys"] ?? {});
  file.config["wireguard-mesh:privateKeys"] = Object.fromEntries(
    keys.filter(([name]) => lab.hosts.includes(name)),
  );
  fs.writeFileSync(stack.file, stringify(file, { lineWidth: 0 }));
  return stack;
}

interface StackFile {
  config: Record<string, Record<string, unknown> | undefined>;
}

function largeConfig(lab: Lab, { hosts, peers, policy }: LargeNetwork): ScenarioConfig {
  const node = (name: string, at: number, isHost: boolean): NodeFields => ({
    address: addressOf(at),
    ...(isHost ? { host: `root@${lab.managementAddress(name)}` } : {}),
    ...(policy === undefined || at % 2 === 1 ? {} : { tags: [`t${(at / 2) % TAGS}`] }),
  });
  const all = Array.from({ length: peers }, (_, at): [string, NodeFields] => {
    const name = at < hosts ? `p${at + 1}` : `d${at + 1}`;
    return [name, node(name, at + 2, at < hosts)];
  });
  return {
    network: { cidr: "10.0.0.0/16", topology: "star" },
    relays: { relay: { ...node("relay", 1, true), endpoint: "203.0.113.10:51820" } },
    peers: Object.fromEntries(all),
    ...(policy === undefined ? {} : { policy: rules() }),
  };
}

export function addressOf(at: number): string {
  return `10.0.${at >> 8}.${at & 255}`;
}

function rules(): unknown[] {
  const between = Array.from({ length: TAGS }, (_, at) => ({
    from: [`tag:t${at}`],
    to: [`tag:t${(at + 1) % TAGS}`],
    ports: ["tcp/443", "udp/53", "tcp/8000-8100"],
  }));
  return [...between, { from: ["p1"], to: ["p2"] }];
}

/** The text of the stack file without this peer. */
export function withoutPeer(stack: LabStack, name: string): string {
  const file = parse(fs.readFileSync(stack.file, "utf8")) as StackFile;
  for (const key of ["wireguard-mesh:peers", "wireguard-mesh:privateKeys"]) {
    const nodes = { ...file.config[key] };
    Reflect.deleteProperty(nodes, name);
    file.config[key] = nodes;
  }
  return stringify(file, { lineWidth: 0 });
}
