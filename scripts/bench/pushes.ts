/** The first table: one change on every host, brought there by the mesh and by its rivals, in turns on the same hosts. */
import * as os from "node:os";
import { Lab } from "../lab/lab";
import { forEachLimited } from "../lab/process";
import { LabError } from "../lab/world";
import { log } from "../log";
import { ansible } from "./ansible";
import { plainSsh, pulumiUp, pushPrograms, type Contender, type Network } from "./contenders";
import { CpuGroups, machineSeconds, ROLES, type CpuTimes, type Role } from "./cpu-groups";
import { buildNetwork, configOf, FIRST_KEEPALIVE, worldOf } from "./network";

export interface PushOptions {
  /** Hosts beside the relay. */
  hosts: number;
  rounds: number;
  /** The lab's. */
  id: string;
  /** False: its row says so. */
  withAnsible: boolean;
}

/** One run of a contender: all hosts together. */
export interface Measurement {
  wallSeconds: number;
  cpuSeconds: CpuTimes;
  /** Of the machine's processors, how much was busy with anything else: above 0.1, the times say little. */
  otherLoad: number;
  logins: number;
  /** Processes that began on the hosts, sshd's own included. */
  processes: number;
}

export interface Row {
  name: string;
  /** Why it was not; `rounds` is empty then. */
  notMeasured?: string;
  rounds: Measurement[];
  /** Each figure's own; null without a round. */
  median: Measurement | null;
}

export interface PushTable {
  /** The relay included. */
  changedHosts: number;
  rows: Record<"programs" | "up" | "ssh" | "ansible", Row>;
}

const LIMIT_MS = 600_000;
/** How many hosts are looked at together. */
const WIDTH = 8;

/** @throws LabError when the lab cannot be built, or a contender does not change the hosts. The lab is removed in any case. */
export async function measurePushes(options: PushOptions): Promise<PushTable> {
  const groups = CpuGroups.of(options.id);
  log(`building a lab of ${options.hosts} hosts and a relay`);
  const lab = await Lab.up(worldOf(options.hosts), { id: options.id });
  try {
    await groups.make();
    await forEachLimited(lab.hosts, WIDTH, (host) => groups.count(lab, host));
    log("the first push");
    const network = await buildNetwork(lab, configOf(lab, options.hosts));
    groups.adoptTunnels();
    return await measureAll(network, groups, options);
  } finally {
    await lab.down();
    await groups.remove();
  }
}

async function measureAll(
  network: Network,
  groups: CpuGroups,
  options: PushOptions,
): Promise<PushTable> {
  const rival = options.withAnsible ? await ansible(network) : "left out";
  const contenders: Record<keyof PushTable["rows"], Contender | string> = {
    programs: pushPrograms(network),
    up: pulumiUp(network),
    ssh: plainSsh(network),
    ansible: rival,
  };
  const rounds: Partial<Record<string, Measurement[]>> = {};
  let keepalive = FIRST_KEEPALIVE;
  for (let round = 1; round <= options.rounds; round++) {
    for (const [key, contender] of Object.entries(contenders)) {
      if (typeof contender === "string") continue;
      const one = await measure(network, groups, contender, ++keepalive);
      log(
        `round ${round} of ${options.rounds}: ${contender.name}: ${one.wallSeconds.toFixed(1)} s`,
      );
      (rounds[key] ??= []).push(one);
    }
  }
  const rows = Object.entries(contenders).map(([key, one]) => [key, rowOf(one, rounds[key] ?? [])]);
  return {
    changedHosts: network.hosts.length,
    rows: Object.fromEntries(rows) as PushTable["rows"],
  };
}

async function measure(
  network: Network,
  groups: CpuGroups,
  contender: Contender,
  keepalive: number,
): Promise<Measurement> {
  const { lab, hosts } = network;
  // The cache is the lab's own; users do not have it.
  const command = ["env", "-u", "NODE_COMPILE_CACHE", ...contender.prepare(keepalive)];
  const argv = groups.asOperator(command);
  await groups.settle();
  const before = { cpu: groups.times(), logins: logins(network), pids: await lastPids(network) };
  const busyBefore = machineSeconds();
  const startedAt = performance.now();
  const done = await lab.exec("operator", argv, { timeoutMs: LIMIT_MS });
  const wallSeconds = (performance.now() - startedAt) / 1000;
  const busySeconds = machineSeconds() - busyBefore;
  await groups.settle();
  const after = { cpu: groups.times(), logins: logins(network), pids: await lastPids(network) };
  groups.endOperator();
  contender.check?.();
  if (done.code !== 0) throw new LabError(`${contender.name} failed: ${done.stderr}${done.stdout}`);
  await assertChanged(network, contender, keepalive);
  const cpu = ROLES.map((role) => [role, after.cpu[role] - before.cpu[role]] as [Role, number]);
  const ownSeconds = cpu.reduce((sum, [, seconds]) => sum + seconds, 0);
  return {
    wallSeconds,
    cpuSeconds: Object.fromEntries(cpu) as CpuTimes,
    otherLoad: Math.max(0, busySeconds - ownSeconds) / wallSeconds / os.availableParallelism(),
    logins: after.logins - before.logins,
    // Without the one that looks at it.
    processes: after.pids - before.pids - hosts.length,
  };
}

/** Every host has exactly one peer with a keepalive. */
async function assertChanged(
  { lab, hosts }: Network,
  { name }: Contender,
  keepalive: number,
): Promise<void> {
  await forEachLimited(hosts, WIDTH, async (host) => {
    const { stdout } = await lab.exec(host, ["wg", "show", "wg0", "persistent-keepalive"]);
    const values = [...stdout.matchAll(/\t(\d+)$/gm)].map(([, value]) => value);
    if (values.join() === `${keepalive}`) return;
    throw new LabError(`${name} has left ${host} with the keepalive ${values.join() || "off"}`);
  });
}

function logins({ lab, hosts }: Network): number {
  return hosts.reduce((sum, host) => sum + lab.logins(host), 0);
}

/** The sum over the hosts of the last process number that was given: each host has its own. */
async function lastPids({ lab, hosts }: Network): Promise<number> {
  let sum = 0;
  await forEachLimited(hosts, WIDTH, async (host) => {
    const { stdout } = await lab.exec(host, ["sh", "-c", "echo $$"]);
    sum += Number(stdout);
  });
  return sum;
}

function rowOf(contender: Contender | string, rounds: Measurement[]): Row {
  if (typeof contender === "string")
    return { name: "Ansible", notMeasured: contender, rounds, median: null };
  return { name: contender.name, rounds, median: medianOf(rounds) };
}

function medianOf(rounds: Measurement[]): Measurement {
  const of = (figure: (one: Measurement) => number): number => median(rounds.map(figure));
  const cpu = ROLES.map((role) => [role, of((one) => one.cpuSeconds[role])]);
  return {
    wallSeconds: of((one) => one.wallSeconds),
    cpuSeconds: Object.fromEntries(cpu) as CpuTimes,
    otherLoad: of((one) => one.otherLoad),
    logins: of((one) => one.logins),
    processes: of((one) => one.processes),
  };
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle)] ?? NaN)) / 2;
}
