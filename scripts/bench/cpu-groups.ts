/**
 * CPU time by role. Each role has a cgroup (version 2): its cpu.stat counts all its processes, ended ones included, to the
 * microsecond, without the cpu controller. A host's sshd is moved into one, its login shell moves itself into another, and the
 * operator's command starts in a third.
 */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { Lab } from "../lab/lab";
import { LabError } from "../lab/world";
import { poll } from "../poll";

/** `script`: the programs that a login starts on a host. `tunnels`: those that keep running, such as wireguard-go. */
export const ROLES = ["operator", "script", "sshd", "tunnels"] as const;
export type Role = (typeof ROLES)[number];
/** Seconds. */
export type CpuTimes = Record<Role, number>;

/** $1: the folder of the groups, as mounted on the host. */
const PREPARE_HOST = `
set -e
mount -t cgroup2 none /sys/fs/cgroup
echo 1 >"$1/sshd/cgroup.procs"
shell=$(sed -n 's/^root:.*://p' /etc/passwd)
printf '#!/bin/sh\\necho 0 >%s/script/cgroup.procs\\nexec %s "$@"\\n' "$1" "$shell" >/usr/local/sbin/counted-shell
chmod 755 /usr/local/sbin/counted-shell
sed -i 's|^\\(root:.*\\):[^:]*$|\\1:/usr/local/sbin/counted-shell|' /etc/passwd
`;

/** Longer than the clean-up after a push takes on a host. */
const SETTLE_MS = 10_000;
const PAGE = 4096;

export class CpuGroups {
  private constructor(
    /** The groups' folder on this machine. */
    private readonly folder: string,
    /** The same folder in a node of the lab that has mounted the cgroups. */
    private readonly mounted: string,
  ) {}

  /** The groups of a lab, not created yet. @throws LabError without cgroups of version 2. */
  static of(id: string): CpuGroups {
    const mounts = fs.readFileSync("/proc/self/mounts", "utf8").split("\n");
    const folders = mounts
      .map((line) => line.split(" "))
      .flatMap(([, folder = "", type]) => (type === "cgroup2" ? [folder] : []))
      // Another mount may cover a listed one.
      .filter((folder) => fs.existsSync(path.join(folder, "cgroup.procs")));
    if (folders[0] === undefined) {
      throw new LabError(
        "CPU time is counted by cgroups of version 2. Mount them: mount -t cgroup2 none /sys/fs/cgroup",
      );
    }
    // Lab ids are unique only within a PID namespace, but cgroups are shared by the whole machine.
    const space = fs.readlinkSync("/proc/self/ns/pid").replace(/\D/g, "");
    const name = `wireguard-mesh-bench-${space}-${id}`;
    return new CpuGroups(path.join(folders[0], name), `/sys/fs/cgroup/${name}`);
  }

  /** Removes groups that a killed run has left, and creates new ones. */
  async create(): Promise<void> {
    await this.remove();
    for (const role of ROLES) fs.mkdirSync(path.join(this.folder, role), { recursive: true });
  }

  /** Starts to count the host's sshd and its logins. */
  async count(lab: Lab, host: string): Promise<void> {
    const argv = ["sh", "-c", PREPARE_HOST, "sh", this.mounted];
    const done = await lab.exec(host, argv);
    if (done.code !== 0) throw new LabError(`${host} cannot be measured: ${done.stderr.trim()}`);
  }

  /** The argv that runs a command in the operator's group. Its mount of the cgroups ends with it (ip-netns(8)). */
  asOperator(argv: readonly string[]): string[] {
    const enter = 'mount -t cgroup2 none /sys/fs/cgroup && echo 0 >"$0" && exec "$@"';
    return ["sh", "-c", enter, `${this.mounted}/operator/cgroup.procs`, ...argv];
  }

  times(): CpuTimes {
    const [operator, script, sshd, tunnels] = ROLES.map((role) => this.seconds(role));
    return { operator, script, sshd, tunnels } as CpuTimes;
  }

  /** Waits until no program of a login runs on the hosts. @throws LabError when one does not end. */
  async settle(): Promise<void> {
    const isQuiet = (): true | undefined =>
      this.processes("script").length === 0 ? true : undefined;
    if (await poll(isQuiet, { limitMs: SETTLE_MS, pauseMs: 20 })) return;
    throw new LabError("programs of the last login still run on the hosts");
  }

  /** Moves the programs that the first push has started, and that keep running, into the group `tunnels`. */
  adoptTunnels(): void {
    for (const pid of this.processes("script")) {
      try {
        fs.writeFileSync(path.join(this.folder, "tunnels", "cgroup.procs"), pid);
      } catch {
        // It has just ended.
      }
    }
  }

  /** Kills processes that the operator's command has left running. */
  endOperator(): void {
    fs.writeFileSync(path.join(this.folder, "operator", "cgroup.kill"), "1");
  }

  /** Removes the groups, once the last of their processes has ended. @throws LabError when one does not. */
  async remove(): Promise<void> {
    const removed = await poll(() => this.tryRemove(), { limitMs: SETTLE_MS, pauseMs: 20 });
    if (removed === undefined) throw new LabError(`${this.folder} still has processes`);
  }

  private tryRemove(): true | undefined {
    const folders = [...ROLES.map((role) => path.join(this.folder, role)), this.folder];
    try {
      for (const folder of folders) if (fs.existsSync(folder)) fs.rmdirSync(folder);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EBUSY") return undefined;
      throw error;
    }
  }

  /** PID → bytes of memory, shared pages included, and bytes written so far, of the operator's processes. */
  operatorBytes(): Map<string, { memory: number; written: number }> {
    const found = this.processes("operator").flatMap((pid) => {
      try {
        const [, pages] = fs.readFileSync(`/proc/${pid}/statm`, "utf8").split(" ");
        const io = fs.readFileSync(`/proc/${pid}/io`, "utf8");
        const written = Number(/^wchar: (\d+)/m.exec(io)?.[1] ?? 0);
        return [[pid, { memory: Number(pages) * PAGE, written }] as const];
      } catch {
        return []; // It has just ended.
      }
    });
    return new Map(found);
  }

  private seconds(role: Role): number {
    const stat = fs.readFileSync(path.join(this.folder, role, "cpu.stat"), "utf8");
    return Number(/^usage_usec (\d+)$/m.exec(stat)?.[1] ?? NaN) / 1e6;
  }

  private processes(role: Role): string[] {
    const procs = fs.readFileSync(path.join(this.folder, role, "cgroup.procs"), "utf8");
    return procs.split("\n").filter((pid) => pid !== "");
  }
}

/** CPU time of all processes since the machine booted, in seconds; counted in ticks of 10 ms. */
export function machineSeconds(): number {
  const busy = os.cpus().map(({ times: { user, nice, sys, irq } }) => user + nice + sys + irq);
  return busy.reduce((sum, ms) => sum + ms, 0) / 1000;
}
