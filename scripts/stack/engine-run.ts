/** `pulumi up` and `pulumi preview`, with the events of the run. */
import { execFileSync } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorOf, onStack, runEngine, runEngineQuietly } from "./engine";
import { readEvents, type RunEvents } from "./engine-events";
import type { StackRef } from "./project";

export interface EngineRun extends RunEvents {
  exitCode: number;
  /** Pushes were not begun, because too many others had failed. */
  stopped?: boolean;
}

export interface QuietRun extends EngineRun {
  /** The engine's own account of the run: the tree of its resources, with their differences. */
  tree: string;
  /** Its errors outside of the events, e.g. that the passphrase is wrong; empty where there are none. */
  error: string;
}

/** Runs the engine on the user's terminal. `out`: where its own output goes. */
export async function runWithEvents(
  stack: StackRef,
  args: readonly string[],
  out: "stdout" | "stderr",
): Promise<EngineRun> {
  return withEventPipe(undefined, async (events) => {
    const command = [...onStack(stack, ...args), "--event-log", events.path];
    const exitCode = await runEngine(stack.project, command, out);
    return { exitCode, ...readEvents(await events.text()) };
  });
}

/**
 * Runs the engine without a terminal and without a word. `onEvent` gets each event as a line of JSON when it happens;
 * `environment`: more variables for the engine and what it starts.
 */
export async function runQuietly(
  stack: StackRef,
  args: readonly string[],
  onEvent?: (line: string) => void,
  environment: Record<string, string> = {},
): Promise<QuietRun> {
  return withEventPipe(onEvent, async (events) => {
    const command = [...onStack(stack, ...args), "--event-log", events.path];
    const answer = await runEngineQuietly(stack.project, command, environment);
    const { exitCode, stdout: tree } = answer;
    const error = exitCode === 0 ? "" : errorOf(answer);
    return { exitCode, tree, error, ...readEvents(await events.text()) };
  });
}

async function withEventPipe<T>(
  onEvent: ((line: string) => void) | undefined,
  run: (events: EventPipe) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-"));
  try {
    return await run(openEventPipe(folder, onEvent));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const END = "end of events";

interface EventPipe {
  /** For the engine's `--event-log`. */
  path: string;
  /** Everything that the engine wrote, as JSON lines. To be called once, when the engine has ended. */
  text(): Promise<string>;
}

/**
 * A named pipe for the engine's events. Debug events contain preshared keys in plain text: the engine masks the secrets of
 * the config, and those are derived. A file would keep them if the command is killed; here they are dropped on arrival.
 */
export function openEventPipe(folder: string, onEvent?: (line: string) => void): EventPipe {
  const path = join(folder, "events");
  execFileSync("mkfifo", ["-m", "600", path]);
  // Opened for writing too, so that it opens without a writer and does not end when one of several writers closes it.
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const pipe = new Socket({ fd, readable: true, writable: false });
  const kept: string[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    let rest = "";
    pipe.on("error", reject);
    pipe.setEncoding("utf8").on("data", (chunk: string) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      const events = lines.filter((line) => line !== END && !isDebug(line));
      kept.push(...events);
      if (onEvent !== undefined) events.forEach(onEvent);
      if (lines.includes(END)) resolve();
    });
  });
  return {
    path,
    text: async () => {
      try {
        await Promise.all([writeFile(path, `\n${END}\n`), ended]);
        return kept.join("\n");
      } finally {
        pipe.destroy();
      }
    },
  };
}

function isDebug(line: string): boolean {
  return line.includes('"diagnosticEvent":{"prefix":"debug: "');
}
