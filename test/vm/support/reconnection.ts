/** Measures how long a peer is disconnected during an `up`, with timestamped pings. */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import { exitCode } from "../../../scripts/lab/process";
import type { Ec2Network } from "./ec2-network";
import { progress } from "./ec2-network";

export interface Reconnection {
  code: number;
  output: string;
  /** Seconds from the end of the push until the first reply after it. */
  afterPush: number;
  /** The longest time without a reply, in seconds. */
  gap: number;
}

/** Runs an `up` while `from` pings `to`; `push`: the resource name of the relay's push. Fails if that push failed. */
export async function reconnectionDuring(
  network: Ec2Network,
  argv: string[],
  { from, to, push }: { from: string; to: string; push: string },
): Promise<Reconnection> {
  const ping = network.lab.spawn(from, ["ping", "-n", "-D", "-i", "0.2", "-W", "1", to], {
    stdio: "pipe",
  });
  const pingOutput = textOf(ping.stdout);
  const up = network.lab.spawn("operator", ["pulumi", ...argv, "--non-interactive"], {
    stdio: "pipe",
  });
  let pushed = 0;
  const done = new RegExp(`${push}\\S* (created|updated|replaced)`);
  up.stdout?.on("data", (bytes: Buffer) => {
    if (pushed === 0 && done.test(bytes.toString())) pushed = Date.now() / 1000;
  });
  const stdout = textOf(up.stdout);
  const stderr = textOf(up.stderr);
  const code = await exitCode(up);
  const replies = pushed === 0 ? [] : await repliesUntil(pingOutput, pushed);
  await network.lab.exec(from, ["pkill", "-INT", "-x", "ping"]);
  assert.notEqual(pushed, 0, `${push} failed:\n${stdout()}${stderr()}`);
  const after = replies.find((at) => at > pushed) ?? Infinity;
  const gaps = replies.slice(1).map((at, index) => at - (replies[index] ?? at));
  const result = { afterPush: after - pushed, gap: Math.max(0, ...gaps) };
  progress(
    `${from} reconnected ${result.afterPush.toFixed(1)} s after the push; longest gap ${result.gap.toFixed(1)} s`,
  );
  return { code, output: stdout() + stderr(), ...result };
}

/** Waits for a reply after `since`, at most a minute, and returns the times of all replies. */
async function repliesUntil(pingOutput: () => string, since: number): Promise<number[]> {
  const times = (): number[] => {
    const lines = pingOutput().matchAll(/^\[(\d+\.\d+)\] \d+ bytes from/gm);
    return [...lines].map(([, at = ""]) => Number(at));
  };
  const hasReply = (): true | undefined => (times().some((at) => at > since) ? true : undefined);
  await poll(hasReply, { limitMs: 60_000, pauseMs: 200 });
  return times();
}

function textOf(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.on("data", (bytes: Buffer) => (text += bytes.toString()));
  return () => text;
}
