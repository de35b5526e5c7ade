/** Reads command lines and environments of processes while a lab runs: its own, and those outside of all labs. */
import * as fs from "node:fs";
import { namespaceIdentity, otherLabsNamespaces } from "../../../scripts/lab/clean-up";

const SAMPLE_MS = 40;
/** A process is read in each of its first YOUNG_SAMPLES samples, then in every OLD_SAMPLES-th (1 s). */
const YOUNG_SAMPLES = 5;
const OLD_SAMPLES = 25;

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
  /** Whether it is in another lab, which no process leaves. */
  isForeign: boolean;
}

export class ProcessSampler {
  private known = new Map<string, Known>();
  private foreign = new Set<string>();
  private readonly timer: NodeJS.Timeout;
  /** How many process lists were read. */
  samples = 0;

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
    if (this.samples % OLD_SAMPLES === 0) this.foreign = otherLabsNamespaces(this.labId);
    this.samples += 1;
    const before = this.known;
    this.known = new Map();
    for (const pid of fs.readdirSync("/proc")) {
      if (!/^\d/.test(pid)) continue;
      const known = before.get(pid) ?? { age: -1, commandLine: "", isForeign: false };
      known.age += 1;
      this.known.set(pid, known);
      if (known.isForeign || Number(pid) === process.pid) continue;
      if (known.age < YOUNG_SAMPLES || known.age % OLD_SAMPLES === 0) this.read(pid, known);
    }
  }

  private read(pid: string, known: Known): void {
    const namespace = namespaceIdentity(`/proc/${pid}/ns/net`);
    // The process has ended.
    if (namespace === undefined) return;
    if (this.foreign.has(namespace)) {
      known.isForeign = true;
      return;
    }
    const before = contentOf(`/proc/${pid}/cmdline`);
    // Nothing was executed since, unless it is the same command again.
    if (before === known.commandLine && known.age % OLD_SAMPLES !== 0) return;
    const environment = contentOf(`/proc/${pid}/environ`);
    // Whose environment it is: the process may have called exec(3) since, and has no command line while it does or has ended.
    const commandLine = contentOf(`/proc/${pid}/cmdline`) || before;
    known.commandLine = commandLine;
    if (commandLine !== "") this.onProcess({ commandLine, environment });
  }
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
