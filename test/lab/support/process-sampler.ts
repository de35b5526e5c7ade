/** Reads command lines and environments of processes while a lab runs: its own, and those outside of all labs. */
import * as fs from "node:fs";
import { namespaceIdentity, otherLabsNamespaces } from "../../../scripts/lab/clean-up";

const SAMPLE_MS = 40;
/** A process is read in each of its first YOUNG_SAMPLES samples, then in every OLD_SAMPLES-th (1 s). */
const YOUNG_SAMPLES = 5;
const OLD_SAMPLES = 25;
/** Listing /proc takes as long as looking up this many PIDs. */
const LIST_FROM = 200;

export interface ReadProcess {
  /** As in /proc/PID/cmdline: arguments end with a zero byte. */
  commandLine: string;
  /** As in /proc/PID/environ. */
  environment: string;
}

interface Known {
  /** Samples since it was first seen. */
  age: number;
  commandLine: string;
}

export class ProcessSampler {
  private readonly known = new Map<number, Known>();
  private foreign = new Set<string>();
  private readonly timer: NodeJS.Timeout;
  /** The PID that the kernel assigned last. */
  private lastPid = 0;
  /** PIDs that were assigned before the last sample, and whose processes it did not find. */
  private missing: number[] = [];
  /** How many samples were taken. */
  samples = 0;
  /** How many command lines and environments were read. */
  reads = 0;

  constructor(
    private readonly labId: string,
    private readonly onProcess: (found: ReadProcess) => void,
  ) {
    this.timer = setInterval(() => {
      this.sample();
    }, SAMPLE_MS);
    // The timer must not keep the process of a failed test alive.
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /**
   * Processes of hosts are visible, because their PID namespaces are children. Young processes are read more often, because they
   * may still exec(3) another program. Other labs have searches of their own; to read their processes too took a quarter of the CPU
   * of tests that run side by side.
   */
  private sample(): void {
    const isFull = this.samples % OLD_SAMPLES === 0;
    if (isFull) this.foreign = otherLabsNamespaces(this.labId);
    this.samples += 1;
    for (const [pid, known] of this.known) {
      known.age += 1;
      if (!isFull && known.age >= YOUNG_SAMPLES) continue;
      if (this.placeOf(pid) === "searched") this.read(pid, known, isFull);
      else this.known.delete(pid);
    }
    const again = this.missing;
    const pids = this.newPids(isFull);
    this.missing = pids.filter((pid) => !this.add(pid));
    // A PID is assigned some time before its process can be seen.
    for (const pid of again) this.add(pid);
  }

  /** The PIDs that were assigned since the last call; `isFull`: of all processes that are not known. */
  private newPids(isFull: boolean): number[] {
    const before = this.lastPid;
    const last = Number(contentOf("/proc/loadavg").trim().split(" ").at(-1));
    if (!(last > 0)) throw new Error("/proc/loadavg does not end with a PID");
    this.lastPid = last;
    // Assignment starts again at small numbers after the largest.
    if (!isFull && last >= before && last - before < LIST_FROM)
      return Array.from({ length: last - before }, (_, at) => before + 1 + at);
    const pids = fs.readdirSync("/proc").filter((name) => /^\d/.test(name));
    return pids.map(Number).filter((pid) => !this.known.has(pid));
  }

  /** @returns whether there is such a process, or thread, which is not read */
  private add(pid: number): boolean {
    this.known.delete(pid);
    const place = this.placeOf(pid);
    if (place === "searched" && pid !== process.pid && !isThread(pid)) {
      const known = { age: 0, commandLine: "" };
      this.known.set(pid, known);
      this.read(pid, known, true);
    }
    return place !== "ended";
  }

  /** No process leaves another lab. */
  private placeOf(pid: number): "searched" | "other lab" | "ended" {
    const namespace = namespaceIdentity(`/proc/${pid}/ns/net`);
    if (namespace === undefined) return "ended";
    return this.foreign.has(namespace) ? "other lab" : "searched";
  }

  /** `evenIfSame`: also if it has the same command line as before, which exec(3) may have started again. */
  private read(pid: number, known: Known, evenIfSame: boolean): void {
    const before = contentOf(`/proc/${pid}/cmdline`);
    if (before === known.commandLine && !evenIfSame) return;
    const environment = contentOf(`/proc/${pid}/environ`);
    // Whose environment it is: the process may have called exec(3) since, and has no command line while it does or has ended.
    const commandLine = contentOf(`/proc/${pid}/cmdline`) || before;
    known.commandLine = commandLine;
    if (commandLine === "") return;
    this.reads += 1;
    this.onProcess({ commandLine, environment });
  }
}

/** A thread has a PID too: /proc/PID exists for it, but is not listed. */
function isThread(pid: number): boolean {
  return !contentOf(`/proc/${pid}/status`).includes(`\nTgid:\t${pid}\n`);
}

/** Larger than any environment of a test. */
const buffer = Buffer.allocUnsafe(1 << 20);

/** Reads into one buffer, because readFileSync takes a new one for each file of unknown size. */
function contentOf(file: string): string {
  let handle: number | undefined;
  try {
    handle = fs.openSync(file, "r");
    return buffer.toString("latin1", 0, fs.readSync(handle, buffer));
  } catch {
    // The process has ended.
    return "";
  } finally {
    if (handle !== undefined) fs.closeSync(handle);
  }
}
