/** The measured network: hosts around a relay, each with one peer whose keepalive is changed. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { PushRequest } from "../../mesh/push-request";
import { Lab } from "../lab/lab";
import { forEachLimited } from "../lab/process";
import { findRepository } from "../lab/repository";
import type { NodeFields, ScenarioConfig } from "../lab/scenario";
import { createStack } from "../lab/stack";
import type { World, WorldHost } from "../lab/world";
import { LabError } from "../lab/world";
import { log } from "../log";
import type { Network } from "./contenders";
import { CpuGroups } from "./cpu-groups";

const RELAY = "relay";
const LIMIT_MS = 1_800_000;
/** The number of hosts that are prepared at once. */
const WIDTH = 8;
export const FIRST_KEEPALIVE = 20;
/** Runs `wireguard-mesh`. */
export const MESH = ["node", path.join(findRepository(), "dist/scripts/wireguard-mesh.js")];

export interface NetworkOptions {
  /** Hosts beside the relay. */
  hosts: number;
  /** The lab id. */
  id: string;
}

/** Builds a lab whose CPU time is counted, and converges it with the engine. The lab is always removed. @throws LabError */
export function withNetwork<T>(
  { hosts, id }: NetworkOptions,
  work: (network: Network, groups: CpuGroups) => Promise<T>,
): Promise<T> {
  log(`building a lab of ${hosts} hosts and a relay`);
  return withCountedLab(id, worldOf(hosts), async (lab, groups) => {
    const stack = await createStack(lab, configOf(lab, hosts));
    log("the first push");
    await engine(lab, "up", "--yes", "--skip-preview");
    groups.adoptTunnels();
    const folder = benchFolder(lab);
    const state = await engine(lab, "stack", "export", "--show-secrets");
    const requests = requestsIn(state);
    return work({ lab, stack, hosts: lab.hosts, requests, folder }, groups);
  });
}

export async function withCountedLab<T>(
  id: string,
  world: World,
  work: (lab: Lab, groups: CpuGroups) => Promise<T>,
): Promise<T> {
  const groups = CpuGroups.of(id);
  await groups.create();
  try {
    return await withLab(id, world, async (lab) => {
      await forEachLimited(lab.hosts, WIDTH, (host) => groups.count(lab, host));
      return work(lab, groups);
    });
  } finally {
    await groups.remove();
  }
}

export async function withLab<T>(
  id: string,
  world: World,
  work: (lab: Lab) => Promise<T>,
): Promise<T> {
  const lab = await Lab.up(world, { id });
  try {
    return await work(lab);
  } finally {
    await lab.down();
  }
}

/** A new folder for the bench's files; it is removed with the lab. */
export function benchFolder(lab: Lab): string {
  const folder = path.join(lab.folder.root, "bench");
  fs.mkdirSync(folder, { mode: 0o700 });
  return folder;
}

export function worldOf(count: number): World {
  const peers = peerNames(count).map((name, at): [string, WorldHost] => [
    name,
    { public: `203.0.113.${101 + at}` },
  ]);
  return { hosts: { [RELAY]: { public: "203.0.113.10" }, ...Object.fromEntries(peers) } };
}

/** A star, so that each peer has one peer section. The relay dials the first peer, so that it has a keepalive too. */
export function configOf(lab: Lab, count: number): ScenarioConfig {
  const node = (name: string, at: number) => ({
    address: `10.0.0.${at}`,
    host: `root@${lab.managementAddress(name)}`,
    persistentKeepalive: FIRST_KEEPALIVE,
  });
  const endpoint = (name: string, at: number) => ({
    ...node(name, 101 + at),
    endpoint: `203.0.113.${101 + at}:51820`,
  });
  const peers = peerNames(count).map((name, at): [string, NodeFields] => [
    name,
    at === 0 ? endpoint(name, at) : node(name, 101 + at),
  ]);
  return {
    network: { cidr: "10.0.0.0/24", topology: "star" },
    relays: { [RELAY]: { ...node(RELAY, 1), endpoint: "203.0.113.10:51820" } },
    peers: Object.fromEntries(peers),
  };
}

function peerNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `p${index + 1}`);
}

/** Runs the engine outside the measurements, so it writes the state only once. @returns its stdout. @throws LabError */
export async function engine(lab: Lab, ...args: string[]): Promise<string> {
  const argv = ["pulumi", ...args, "--non-interactive"];
  const env = { PULUMI_SKIP_CHECKPOINTS: "true" };
  const done = await lab.exec("operator", argv, { timeoutMs: LIMIT_MS, env });
  if (done.code !== 0)
    throw new LabError(`pulumi ${args.join(" ")} failed: ${done.stderr}${done.stdout}`);
  return done.stdout;
}

interface ExportedState {
  deployment: {
    resources: { type: string; inputs?: { stdin?: { plaintext?: string } } }[];
  };
}

/** Host → the request that the engine gave its push program. */
export function requestsIn(exported: string): Map<string, PushRequest> {
  const { deployment } = JSON.parse(exported) as ExportedState;
  const requests = deployment.resources
    .filter(({ type }) => type === "command:local:Command")
    // A secret is the JSON text of its value, which here is JSON text itself.
    .map(
      ({ inputs }) =>
        JSON.parse(JSON.parse(inputs?.stdin?.plaintext ?? '"null"') as string) as PushRequest,
    );
  return new Map(requests.map((request) => [request.node, request]));
}
