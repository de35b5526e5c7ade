/** Runs a command of the operator in a lab, and measures its cost. */
import * as os from "node:os";
import type { Lab } from "../lab/lab";
import { LabError } from "../lab/world";
import { machineSeconds, ROLES, type CpuGroups, type CpuTimes } from "./cpu-groups";
import type { Cost } from "./figures";

export interface Measured {
  wallSeconds: number;
  cpuSeconds: CpuTimes;
  /** The share of the machine's processors that was busy with other programs: above 0.1, the times are unreliable. */
  otherLoad: number;
  /** The peak memory of all the operator's processes together, in bytes. */
  memory: number;
  /** Bytes written by the process that wrote most: the engine, to its state file and to the program. */
  written: number;
  /** On all hosts. */
  logins: number;
  stdout: string;
}

const LIMIT_MS = 1_800_000;
const SAMPLE_MS = 100;

interface Options {
  /** Exit codes of a success; default 0. */
  codes?: readonly number[];
  /** The command starts programs that keep running on hosts, such as wireguard-go. Default: it may leave none running. */
  bringsTunnels?: true;
}

/** @throws LabError when the command fails. */
export async function measure(
  lab: Lab,
  groups: CpuGroups,
  argv: readonly string[],
  { codes = [0], bringsTunnels }: Options = {},
): Promise<Measured> {
  // Only the lab sets this cache; users do not have it.
  const command = groups.asOperator(["env", "-u", "NODE_COMPILE_CACHE", ...argv]);
  await groups.settle();
  const before = { cpu: groups.times(), logins: loginsOf(lab), busy: machineSeconds() };
  let memory = 0;
  let written = 0;
  const timer = setInterval(() => {
    const all = [...groups.operatorBytes().values()];
    memory = Math.max(
      memory,
      all.reduce((sum, one) => sum + one.memory, 0),
    );
    written = Math.max(written, ...all.map((one) => one.written));
  }, SAMPLE_MS);
  const startedAt = performance.now();
  const done = await lab.exec("operator", command, { timeoutMs: LIMIT_MS });
  const wallSeconds = (performance.now() - startedAt) / 1000;
  clearInterval(timer);
  const busySeconds = machineSeconds() - before.busy;
  if (bringsTunnels === undefined) await groups.settle();
  const after = groups.times();
  if (bringsTunnels === true) groups.adoptTunnels();
  groups.endOperator();
  if (!codes.includes(done.code))
    throw new LabError(`${argv.join(" ")} failed: ${done.stderr}${done.stdout}`);
  const cpu = ROLES.map((role) => [role, after[role] - before.cpu[role]] as const);
  const ownSeconds = cpu.reduce((sum, [, seconds]) => sum + seconds, 0);
  return {
    wallSeconds,
    cpuSeconds: Object.fromEntries(cpu) as CpuTimes,
    otherLoad: Math.max(0, busySeconds - ownSeconds) / wallSeconds / os.availableParallelism(),
    memory,
    written,
    logins: loginsOf(lab) - before.logins,
    stdout: done.stdout,
  };
}

/** The cost on the operator. */
export function costOf({
  wallSeconds,
  cpuSeconds,
}: Pick<Measured, "wallSeconds" | "cpuSeconds">): Cost {
  return { wallSeconds, cpuSeconds: cpuSeconds.operator };
}

function loginsOf(lab: Lab): number {
  return lab.hosts.reduce((sum, host) => sum + lab.logins(host), 0);
}
