/** Pushes: one change on every host, made by the mesh and by its rivals, in turns on the same hosts. */
import { forEachLimited } from "../lab/process";
import { LabError } from "../lab/world";
import { log } from "../log";
import { ansible } from "./ansible";
import { plainSsh, pulumiUp, pushPrograms, type Contender, type Network } from "./contenders";
import { ROLES, type CpuGroups, type CpuTimes } from "./cpu-groups";
import { costSample, median, sampleOf, type Figure, type Sample, type Target } from "./figures";
import { costOf, measure, type Measured } from "./measure";
import { FIRST_KEEPALIVE, withNetwork } from "./network";

export interface PushOptions {
  /** Hosts beside the relay. */
  hosts: number;
  rounds: number;
  /** The lab id. */
  id: string;
  /** If false, its row says that it was left out. */
  withAnsible: boolean;
}

/** One run of a contender: all hosts together. */
export interface Measurement extends Omit<Measured, "stdout" | "memory" | "written"> {
  /** The number of processes started on the hosts, sshd's own included. */
  processes: number;
}

export interface Row {
  name: string;
  /** The reason why there are no rounds. */
  notMeasured?: string;
  rounds: Measurement[];
  /** The median of each figure; null without a round. */
  median: Measurement | null;
}

export interface PushTable {
  /** The relay included. */
  changedHosts: number;
  rows: Record<"programs" | "up" | "ssh" | "ansible", Row>;
}

/** The number of hosts that are checked at once. */
const WIDTH = 8;

/** @throws LabError when the lab cannot be built, or a contender does not change the hosts. The lab is always removed. */
export function measurePushes(options: PushOptions): Promise<PushTable> {
  return withNetwork(options, (network, groups) => measureAll(network, groups, options));
}

export async function pushes(options: PushOptions): Promise<Figure[]> {
  return figuresOf(await measurePushes(options));
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
      const one = await measureChange(network, groups, contender, ++keepalive);
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

async function measureChange(
  network: Network,
  groups: CpuGroups,
  contender: Contender,
  keepalive: number,
): Promise<Measurement> {
  const { lab, hosts } = network;
  const argv = contender.prepare(keepalive);
  const before = await lastPids(network);
  const measured = await measure(lab, groups, argv);
  contender.check?.();
  const after = await lastPids(network);
  await assertChanged(network, contender, keepalive);
  // Without the shells of `lastPids`.
  return { ...measured, processes: after - before - hosts.length };
}

/** Asserts the new keepalive: every host has exactly one peer with one. */
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

/** The sum of the hosts' newest process ids: each host has a PID namespace of its own. */
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

export function figuresOf({ rows, changedHosts }: PushTable): Figure[] {
  const { programs, up, ssh, ansible } = rows;
  const hosts = `${changedHosts} hosts`;
  const each = (row: Row, of: (one: Measurement) => number): Sample =>
    sampleOf(row.rounds.map((one) => of(one) / changedHosts));
  const perPush = (
    what: string,
    unit: string,
    of: (one: Measurement) => number,
    target?: Target,
  ): Figure => ({
    ...{ section: "pushes", what: `${what}, a push`, unit, ours: each(up, of) },
    rival: { name: ssh.name, ...each(ssh, of) },
    ...(target === undefined ? {} : { target }),
  });
  return [
    compared(`change on ${hosts}: \`pulumi up\``, up, ssh, 1.3),
    compared(`change on ${hosts}: \`pulumi up\``, up, ansible, 0.5),
    compared(`change on ${hosts}: the push programs alone`, programs, ssh),
    perPush("operator", "CPU s", ({ cpuSeconds }) => cpuSeconds.operator, MOST.operator),
    perPush("host", "CPU s", ({ cpuSeconds }) => cpuSeconds.script + cpuSeconds.sshd),
    perPush("logins", "logins", ({ logins }) => logins, MOST.logins),
    perPush("processes on the host", "processes", ({ processes }) => processes),
  ];
}

const MOST = {
  operator: { of: "value", most: 0.2 },
  logins: { of: "value", most: 2 },
} as const satisfies Record<string, Target>;

function compared(what: string, ours: Row, rival: Row, most?: number): Figure {
  const costs = ({ rounds }: Row): Sample => costSample(rounds.map(costOf));
  const beside =
    rival.median === null
      ? { missing: `${rival.name} was not measured: ${rival.notMeasured ?? ""}` }
      : { rival: { name: rival.name, ...costs(rival) } };
  const target: Pick<Figure, "target"> = most === undefined ? {} : { target: { of: "time", most } };
  const headline = most === undefined ? {} : { headline: true as const };
  return {
    section: "pushes",
    what,
    unit: "s",
    ours: costs(ours),
    ...beside,
    ...target,
    ...headline,
  };
}
