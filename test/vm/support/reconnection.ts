/** How long a peer is cut off while the engine is at work, and when it is back: pings with times beside the engine's lines. */
import * as assert from "node:assert/strict";
import { exitCode } from "../../../scripts/lab/process";
import type { Ec2Network } from "./ec2-network";
import { progress } from "./ec2-network";

export interface Reconnection {
  code: number;
  output: string;
  /** From the end of the push until the first answer after it, in seconds. */
  afterPush: number;
  /** The longest time without an answer. */
  gap: number;
}

/**
 * Runs an `up` while `from` pings `to`; `push` is the name of the push that all wait for. Null when that push failed: on a
 * machine too busy for an emulated one, a login may take longer than the push allows.
 */
export async function reconnectionDuring(
  network: Ec2Network,
  argv: string[],
  { from, to, push }: { from: string; to: string; push: string },
): Promise<Reconnection | null> {
  const ping = network.lab.spawn(from, ["ping", "-n", "-D", "-i", "0.2", "-W", "1", to], {
    stdio: "pipe",
  });
  const pinged = textOf(ping.stdout);
  const up = network.lab.spawn("operator", ["pulumi", ...argv, "--non-interactive"], {
    stdio: "pipe",
  });
  let pushed = 0;
  const done = new RegExp(`${push}\\S* (created|updated|replaced)`);
  up.stdout?.on("data", (bytes: Buffer) => {
    if (pushed === 0 && done.test(bytes.toString())) pushed = Date.now() / 1000;
  });
  const said = textOf(up.stdout);
  const complained = textOf(up.stderr);
  const code = await exitCode(up);
  const answers = pushed === 0 ? [] : await answersUntil(pinged, pushed);
  await network.lab.exec(from, ["pkill", "-INT", "-x", "ping"]);
  if (pushed === 0) {
    assert.notEqual(code, 0, `it went well, and nothing was pushed: ${said()}`);
    progress(complained());
    return null;
  }
  const after = answers.find((at) => at > pushed) ?? Infinity;
  const gaps = answers.slice(1).map((at, index) => at - (answers[index] ?? at));
  const result = { afterPush: after - pushed, gap: Math.max(0, ...gaps) };
  progress(
    `${from} was back ${result.afterPush.toFixed(1)} s after the push, and cut off for ${result.gap.toFixed(1)} s`,
  );
  return { code, output: said() + complained(), ...result };
}

/** The times of all answers, when there is one after `since`, or a minute later. */
async function answersUntil(pinged: () => string, since: number): Promise<number[]> {
  for (const end = Date.now() + 60_000; ;) {
    const lines = pinged().matchAll(/^\[(\d+\.\d+)\] \d+ bytes from/gm);
    const times = [...lines].map(([, at = ""]) => Number(at));
    if (times.some((at) => at > since) || Date.now() > end) return times;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function textOf(stream: NodeJS.ReadableStream | null): () => string {
  let text = "";
  stream?.on("data", (bytes: Buffer) => (text += bytes.toString()));
  return () => text;
}
