/** Pings every 20 ms in several directions at once and measures the longest gap between replies in each. */
import * as assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";
import { BUSY_FACTOR } from "../../support/time-limits";

/** From a node to an address. */
export type Direction = readonly [from: string, to: string];

export interface PingGap {
  from: string;
  to: string;
  /** The number of pings up to the last one with a reply. */
  sent: number;
  lost: number;
  /** The longest time between two replies. */
  longestMs: number;
  /** The same without the time in which no ping was sent, because this machine was busy. */
  silentMs: number;
}

/** Returns one result per direction. Each stream gets a reply before the action and another one after it. */
export async function pingGapsDuring(
  lab: Lab,
  directions: readonly Direction[],
  action: () => Promise<void>,
): Promise<PingGap[]> {
  const streams = directions.map(([from, to]) => new PingStream(lab, from, to));
  try {
    for (const stream of streams) await stream.waitForReply();
    await action();
    for (const stream of streams) await stream.waitForReply();
  } finally {
    for (const stream of streams) await stream.end();
  }
  return streams.map((stream) => stream.result());
}

export function describeGaps(gaps: readonly PingGap[]): string {
  return gaps
    .map(
      ({ from, to, sent, lost, longestMs, silentMs }) =>
        `${from} > ${to}: ${longestMs} ms (silent ${silentMs} ms), ${lost}/${sent} lost`,
    )
    .join("; ");
}

/** The longest gap allowed on an idle machine; 0.1 s was measured by hand. A lost session is silent for 5 s at least. */
const LONGEST_GAP_MS = 500;

export function assertShort(gaps: readonly PingGap[]): void {
  for (const gap of gaps) {
    assert.ok(gap.silentMs <= BUSY_FACTOR * LONGEST_GAP_MS, describeGaps([gap]));
  }
}

const LIMIT_MS = 20_000;

interface Reply {
  /** Seconds since 1970. */
  at: number;
  number: number;
  tookS: number;
}

/** The longest time in milliseconds in which a ping was in flight and no reply arrived. */
function silence(replies: readonly Reply[]): number {
  const inOrder = [...replies].sort((a, b) => a.at - b.at);
  const answered = new Set(inOrder.map(({ number }) => number));
  const gaps = inOrder.slice(1).map((reply, at) => {
    const before = inOrder[at] ?? reply;
    const gap = reply.at - before.at;
    for (let number = before.number + 1; number < reply.number; number++) {
      if (!answered.has(number)) return gap;
    }
    return Math.min(gap, reply.tookS);
  });
  return Math.round(Math.max(0, ...gaps) * 1000);
}

class PingStream {
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

  async waitForReply(): Promise<void> {
    const before = this.replies().length;
    const more = await poll(() => (this.replies().length > before ? true : undefined), {
      limitMs: LIMIT_MS,
      pauseMs: 10,
    });
    if (more === undefined) throw new Error(`${this.from} got no reply from ${this.to}`);
  }

  async end(): Promise<void> {
    await this.lab.exec(this.from, ["pkill", "-INT", "-f", `^ping -n -D .* ${this.to}$`]);
    await this.ended;
  }

  result(): PingGap {
    const replies = this.replies();
    const sent = Math.max(...replies.map(({ number }) => number));
    const times = replies.map(({ at }) => at).sort((a, b) => a - b);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? time));
    const lost = sent - new Set(replies.map(({ number }) => number)).size;
    const longestMs = Math.round(Math.max(0, ...gaps) * 1000);
    return { from: this.from, to: this.to, sent, lost, longestMs, silentMs: silence(replies) };
  }

  private replies(): Reply[] {
    const lines = this.printed.matchAll(
      /^\[([\d.]+)\] \d+ bytes from .* icmp_seq=(\d+) .*time=([\d.]+) ms/gm,
    );
    return [...lines].map(([, at, number, ms]) => ({
      ...{ at: Number(at), number: Number(number) },
      tookS: Number(ms) / 1000,
    }));
  }
}
