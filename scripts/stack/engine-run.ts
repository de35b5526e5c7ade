/** `pulumi up` and `pulumi preview`, with the events of the run. */
import { execFileSync } from "node:child_process";
import { constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PHASE_PIPE } from "../push/phase";
import { errorOf, onStack, runEngine, runEngineQuietly } from "./engine";
import { readEvents, type RunEvents } from "./engine-events";
import type { StackRef } from "./project";

export interface EngineRun extends RunEvents {
  exitCode: number;
  /** Pushes were not begun, because too many others had failed. */
  stopped?: boolean;
}

export interface QuietRun extends EngineRun {
  /** The engine's own output: the tree of resources, with their differences. */
  tree: string;
  /** Errors that are not in the events, e.g. a wrong passphrase; may be empty. */
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

/** Callbacks while the engine runs. */
interface RunListeners {
  /** Called with each event as a line of JSON. */
  onEvent: (line: string) => void;
  /** Called with `NODE PHASE` for each step of a push. */
  onPhase: (line: string) => void;
}

/** Runs the engine without a terminal and without output. `environment`: more variables for it and its children. */
export async function runQuietly(
  stack: StackRef,
  args: readonly string[],
  listeners?: RunListeners,
  environment: Record<string, string> = {},
): Promise<QuietRun> {
  return withEventPipe(listeners, async (events) => {
    const command = [...onStack(stack, ...args), "--event-log", events.path];
    const answer = await runEngineQuietly(stack.project, command, {
      ...environment,
      ...events.variables,
    });
    const { exitCode, stdout: tree } = answer;
    const error = exitCode === 0 ? "" : errorOf(answer);
    return { exitCode, tree, error, ...readEvents(await events.text()) };
  });
}

async function withEventPipe<T>(
  listeners: RunListeners | undefined,
  run: (events: EventPipe & { variables: Record<string, string> }) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-"));
  const phases = listeners === undefined ? null : openPhasePipe(folder, listeners.onPhase);
  const variables: Record<string, string> = phases === null ? {} : { [PHASE_PIPE]: phases.path };
  try {
    return await run({ ...openEventPipe(folder, listeners?.onEvent), variables });
  } finally {
    phases?.pipe.destroy();
    rmSync(folder, { recursive: true, force: true });
  }
}

function openPhasePipe(folder: string, onPhase: (line: string) => void) {
  const path = join(folder, "phases");
  const pipe = openPipe(path);
  // A failure here only loses the progress output.
  pipe.on("error", () => pipe.destroy());
  readLines(pipe, onPhase);
  return { path, pipe };
}

/** Opened for writing too, so that opening does not wait for a writer, and the pipe stays open when a writer closes it. */
function openPipe(path: string): Socket {
  execFileSync("mkfifo", ["-m", "600", path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  return new Socket({ fd, readable: true, writable: false });
}

function readLines(pipe: Socket, onLine: (line: string) => void): void {
  let rest = "";
  pipe.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(onLine);
  });
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
 * the config, and those are derived. A file would remain if the command is killed.
 */
export function openEventPipe(folder: string, onEvent?: (line: string) => void): EventPipe {
  const path = join(folder, "events");
  const pipe = openPipe(path);
  const kept: string[] = [];
  const ended = new Promise<void>((resolve, reject) => {
    pipe.on("error", reject);
    readLines(pipe, (line) => {
      if (line === END) resolve();
      else if (!isDebug(line)) {
        kept.push(line);
        onEvent?.(line);
      }
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
