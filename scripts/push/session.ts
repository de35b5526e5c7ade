/** A root shell on a host, over one connection. */
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import type { CappedLines, LineListener } from "./capped-lines";
import { endGroup } from "./children";
import { OUTPUT_CAP, MESSAGES_CAP } from "./limits";
import { PushError } from "./push-error";

export interface HostRun {
  stdout: string;
  stderr: string;
  /** Null: the connection broke or the time limit was reached, so what the host did is unknown. */
  exitCode: number | null;
  /** The way taken, as in PushResult.through. */
  through: string;
}

/** A root shell on a host, logged in, that reads a program from its stdin. */
export interface Session {
  /** The way taken, as in PushResult.through. */
  readonly through: string;
  /** The first line of SessionOptions.lockFile when the login was ready; "" if there is none. */
  readonly lastChange: string;
  /** Writes to the shell's stdin. */
  send(text: string): void;
  /** Ends its stdin. */
  end(): void;
  /**
   * Removes and returns the lines of stdout before the next one that equals or matches `marker`.
   * @throws SessionLost if the connection ends first, after `limitMs`, or if the host prints too much.
   */
  until(marker: RegExp | string, limitMs: number): Promise<string[]>;
  /**
   * Ends stdin and returns the remaining output when the connection has ended; after `limitMs` it ends the connection.
   * @throws SessionLost if the host prints too much.
   */
  finish(limitMs: number): Promise<HostRun>;
}

/** The session ended before the host had answered. */
export class SessionLost extends PushError {
  override readonly name = "SessionLost";

  constructor(
    message: string,
    /** `ended`: the host or the network ended it (see the exit code in `run`). `late`: time limit. `too-much`: output limit. */
    readonly why: "ended" | "late" | "too-much",
    /** The output that was not read yet, and all of stderr. */
    readonly run: HostRun,
  ) {
    super(message);
  }
}

/** A started program with its output as lines. */
export interface Wire {
  child: ChildProcessWithoutNullStreams;
  stdout: CappedLines;
  stderr: CappedLines;
}

export interface ShellFacts {
  /** The node's name in stack config. */
  node: string;
  through: string;
  lastChange: string;
}

interface Waiting {
  /** Null: wait for the end of the connection. */
  isMarker: ((line: string) => boolean) | null;
  since: number;
  timer: NodeJS.Timeout;
  /** Called with the index of the marker in `lines`; null at the end. */
  done: (place: number | null) => void;
}

export class RootShell implements Session {
  readonly through: string;
  readonly lastChange: string;
  /** Called with each line of the host's stderr. */
  onStderr: (line: string) => void = () => undefined;

  private readonly listener: LineListener;
  private lines: string[] = [];
  private stderr = "";
  private waiting: Waiting | null = null;
  private over: { exitCode: number | null; why: SessionLost["why"] } | null = null;

  constructor(
    private readonly wire: Wire,
    private readonly facts: ShellFacts,
  ) {
    this.through = facts.through;
    this.lastChange = facts.lastChange;
    const onTooMuch = (): void => {
      this.breakOff("too-much");
    };
    this.listener = {
      onLine: (line) => {
        this.handleLine(line);
      },
      onTooMuch,
    };
    wire.stdout.handOver(OUTPUT_CAP, this.listener);
    wire.stderr.handOver(MESSAGES_CAP, {
      onLine: (line) => {
        this.stderr += `${line}\n`;
        this.onStderr(line);
      },
      onTooMuch,
    });
    wire.child.on("close", (code: number | null) => {
      // ssh itself exits with 255; the host program never does.
      this.settle(code === 255 ? null : code, "ended");
    });
  }

  send(text: string): void {
    this.wire.child.stdin.write(text);
  }

  end(): void {
    this.wire.child.stdin.end();
  }

  async until(marker: RegExp | string, limitMs: number): Promise<string[]> {
    const isMarker = (line: string): boolean =>
      typeof marker === "string" ? line === marker : marker.test(line);
    const already = this.lines.findIndex(isMarker);
    const place = already === -1 ? await this.wait(isMarker, limitMs) : already;
    if (place === null) throw this.lost(limitMs);
    // The limit applies to each answer, not to the whole session.
    if (this.over === null) this.wire.stdout.handOver(OUTPUT_CAP, this.listener);
    return this.lines.splice(0, place + 1).slice(0, -1);
  }

  async finish(limitMs: number): Promise<HostRun> {
    this.end();
    await this.wait(null, limitMs);
    if (this.over?.why === "too-much") throw this.lost(limitMs);
    const run = this.run();
    this.lines = [];
    return run;
  }

  /** Sets a new time limit for the current wait, counted from its start. */
  extend(limitMs: number): void {
    const { waiting } = this;
    if (waiting === null) return;
    clearTimeout(waiting.timer);
    const left = waiting.since + limitMs - performance.now();
    waiting.timer = setTimeout(() => {
      this.breakOff("late");
    }, left);
  }

  /** Kills ssh and its process group. */
  breakOff(why: SessionLost["why"] = "ended"): void {
    if (this.over !== null) return;
    const { child } = this.wire;
    if (child.pid !== undefined) endGroup(child.pid);
    // A grandchild that left the group may hold the pipes open; do not wait for it.
    child.stdout.destroy();
    child.stderr.destroy();
    this.settle(null, why);
  }

  private handleLine(line: string): void {
    this.lines.push(line);
    if (this.waiting?.isMarker?.(line) === true) this.resolveWaiting(this.lines.length - 1);
  }

  private settle(exitCode: number | null, why: SessionLost["why"]): void {
    if (this.over !== null) return;
    this.over = { exitCode, why };
    this.resolveWaiting(null);
  }

  private resolveWaiting(place: number | null): void {
    const { waiting } = this;
    this.waiting = null;
    clearTimeout(waiting?.timer);
    waiting?.done(place);
  }

  private wait(isMarker: Waiting["isMarker"], limitMs: number): Promise<number | null> {
    if (this.over !== null) return Promise.resolve(null);
    return new Promise((done) => {
      const since = performance.now();
      const timer = setTimeout(() => {
        this.breakOff("late");
      }, limitMs);
      this.waiting = { isMarker, since, timer, done };
    });
  }

  private run(): HostRun {
    const { stdout, stderr } = this.wire;
    return {
      stdout: this.lines.map((line) => `${line}\n`).join("") + stdout.rest,
      stderr: this.stderr + stderr.rest,
      exitCode: this.over?.exitCode ?? null,
      through: this.through,
    };
  }

  private lost(limitMs: number): SessionLost {
    const why = this.over?.why ?? "ended";
    const run = this.run();
    return new SessionLost(`${this.facts.node}: ${lossWords(why, run, limitMs)}`, why, run);
  }
}

function lossWords(why: SessionLost["why"], run: HostRun, limitMs: number): string {
  if (why === "late") return `the host has not answered within ${Math.round(limitMs / 1000)} s`;
  if (why === "too-much") {
    return (
      `the host printed more than ${OUTPUT_CAP >> 20} MB of output or ${MESSAGES_CAP >> 10} KB of messages, which is no valid ` +
      "answer, so the connection was ended. Look for what prints without end there, such as a start-up file of the shell."
    );
  }
  if (run.exitCode === null) return "the connection broke before the host had answered";
  return `the program on the host ended with code ${run.exitCode} before it had answered`;
}
