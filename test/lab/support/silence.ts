/** Pings every 20 ms, in several directions at once, and how long the longest silence was in each. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import type { Lab } from "../../../scripts/lab/lab";
import { waitFor } from "../../../scripts/lab/process";

/** From one node to another's address. */
export type Direction = readonly [from: string, to: string];

export interface Silence {
  from: string;
  to: string;
  /** Up to the last one answered. */
  sent: number;
  lost: number;
  /** Between two answers, by the clock of their arrival. */
  longestMs: number;
}

/** One for each direction, in their order. Every stream is answered before anything happens, and once more at its end. */
export async function silencesDuring(
  lab: Lab,
  directions: readonly Direction[],
  happening: () => Promise<void>,
): Promise<Silence[]> {
  const streams = directions.map(([from, to]) => new Stream(lab, from, to));
  try {
    for (const stream of streams) await stream.answered();
    await happening();
    for (const stream of streams) await stream.answered();
  } finally {
    for (const stream of streams) await stream.end();
  }
  return streams.map((stream) => stream.silence());
}

export function describeSilences(silences: readonly Silence[]): string {
  return silences
    .map(
      ({ from, to, sent, lost, longestMs }) =>
        `${from} > ${to}: ${longestMs} ms, ${lost}/${sent} lost`,
    )
    .join("; ");
}

/** The bound of the law: by hand it was 0.1 s. */
const BOUND_MS = 500;

export function assertShort(silences: readonly Silence[]): void {
  for (const silence of silences) {
    assert.ok(silence.longestMs <= BOUND_MS, describeSilences([silence]));
  }
}

const PATIENCE_MS = 20_000;

class Stream {
  private readonly child: ChildProcess;
  private readonly ended: Promise<unknown>;
  private printed = "";

  constructor(
    private readonly lab: Lab,
    private readonly from: string,
    private readonly to: string,
  ) {
    this.child = lab.spawn(from, ["ping", "-n", "-D", "-i", "0.02", "-W", "2", to], {
      stdio: "pipe",
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.printed += text));
    this.ended = new Promise((resolve) => this.child.once("close", resolve));
  }

  async answered(): Promise<void> {
    const before = this.answers().length;
    const more = await waitFor(
      () => (this.answers().length > before ? true : undefined),
      PATIENCE_MS,
    );
    if (more === undefined) throw new Error(`no answer to ${this.from} from ${this.to}`);
  }

  async end(): Promise<void> {
    await this.lab.exec(this.from, ["pkill", "-INT", "-f", `^ping -n -D .* ${this.to}$`]);
    await this.ended;
  }

  silence(): Silence {
    const answers = this.answers();
    const sent = Math.max(...answers.map(({ number }) => number));
    const times = answers.map(({ at }) => at).sort((a, b) => a - b);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? time));
    const lost = sent - new Set(answers.map(({ number }) => number)).size;
    const longestMs = Math.round(Math.max(0, ...gaps) * 1000);
    return { from: this.from, to: this.to, sent, lost, longestMs };
  }

  private answers(): { at: number; number: number }[] {
    const lines = this.printed.matchAll(/^\[([\d.]+)\] \d+ bytes from .* icmp_seq=(\d+)/gm);
    return [...lines].map((line) => ({ at: Number(line[1]), number: Number(line[2]) }));
  }
}
