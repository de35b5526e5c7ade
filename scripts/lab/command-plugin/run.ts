/** Runs one command to its end: its input, its output, how it ended. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import { checkFolder, ending, lookPath, quote, startFailure, StartFailure } from "./go-words";
import { makeThreePipes, type Pipe } from "./pipes";

export interface Job {
  command: string;
  /** Program and first arguments; the command becomes the last one. Never empty. */
  interpreter: string[];
  /** Empty: where the plugin was started. */
  dir: string;
  /** On top of the plugin's own environment. */
  environment: Record<string, string>;
  /** Empty: /dev/null. */
  stdin: string;
}

export type Stream = "stdout" | "stderr";

/** One piece of output, as it came. */
export interface Piece {
  stream: Stream;
  bytes: Buffer;
}

/** The command did not end well. The message is the real plugin's, with all the output so far. */
export class CommandFailure extends Error {
  /** `code` is the gRPC status that goes with it. */
  constructor(
    cause: string,
    job: Job,
    pieces: Piece[],
    readonly code: "UNKNOWN" | "CANCELLED" | "DEADLINE_EXCEEDED" = "UNKNOWN",
  ) {
    super(`${cause}: running ${quote(job.command)}:\n${joined(pieces).toString()}`);
  }
}

/**
 * Returns all output in the order in which it came; `onPiece` is told meanwhile. An abort kills the process itself, by
 * SIGKILL, and nothing that it started; like the real plugin, this then still waits until whoever has the output open
 * closes it. Throws CommandFailure.
 */
export async function run(
  job: Job,
  onPiece: (piece: Piece) => void,
  abort: AbortSignal,
): Promise<Piece[]> {
  if (abort.aborted) throw abortedBefore(job, abort);
  const pieces: Piece[] = [];
  const note = (piece: Piece): void => {
    pieces.push(piece);
    onPiece(piece);
  };
  try {
    const end = await runProcess(job, note, abort);
    if (end !== "") throw new CommandFailure(end, job, pieces);
    return pieces;
  } catch (problem) {
    throw problem instanceof StartFailure
      ? new CommandFailure(problem.message, job, pieces)
      : problem;
  }
}

/** The bytes of the given pieces. */
export function joined(pieces: Piece[]): Buffer {
  return Buffer.concat(pieces.map(({ bytes }) => bytes));
}

function abortedBefore(job: Job, abort: AbortSignal): CommandFailure {
  const late = (abort.reason as Error | undefined)?.name === "TimeoutError";
  return late
    ? new CommandFailure("context deadline exceeded", job, [], "DEADLINE_EXCEEDED")
    : new CommandFailure("context canceled", job, [], "CANCELLED");
}

/** Returns how it ended, empty for a success. Throws StartFailure. */
async function runProcess(
  job: Job,
  note: (piece: Piece) => void,
  abort: AbortSignal,
): Promise<string> {
  const [stdin, stdout, stderr] = await makeThreePipes();
  const ours = [
    feed(stdin, job.stdin),
    drain(stdout, (bytes) => {
      note({ stream: "stdout", bytes });
    }),
    drain(stderr, (bytes) => {
      note({ stream: "stderr", bytes });
    }),
  ];
  const child = await start(job, [
    job.stdin === "" ? "ignore" : stdin.read,
    stdout.write,
    stderr.write,
  ]).finally(() => {
    [stdin.read, stdout.write, stderr.write].forEach((end) => {
      fs.closeSync(end);
    });
  });
  const ended = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const kill = (): void => void child.kill("SIGKILL");
  if (abort.aborted) kill();
  abort.addEventListener("abort", kill);
  const [code, signal] = await ended;
  abort.removeEventListener("abort", kill);
  await Promise.all(ours);
  return code === 0 ? "" : ending(code, signal);
}

async function start(job: Job, stdio: ("ignore" | number)[]): Promise<ChildProcess> {
  if (Object.entries(job.environment).some((entry) => entry.join("").includes("\0"))) {
    throw new StartFailure("exec: environment variable contains NUL");
  }
  const [name = "", ...first] = job.interpreter;
  const file = lookPath(name);
  const cwd = job.dir === "" ? process.cwd() : job.dir;
  checkFolder(cwd);
  const env = { ...process.env, ...job.environment };
  try {
    const child = spawn(file, [...first, job.command], { argv0: name, cwd, env, stdio });
    await once(child, "spawn");
    return child;
  } catch (problem) {
    throw startFailure(file, problem);
  }
}

/** Resolves when the last holder of the other end has closed it. */
function drain(pipe: Pipe, note: (bytes: Buffer) => void): Promise<void> {
  const stream = new net.Socket({ fd: pipe.read, readable: true, writable: false });
  stream.on("data", note);
  return closed(stream);
}

/** Resolves when all is written, or nobody reads it any more, which is no failure (as in Go's os/exec). */
function feed(pipe: Pipe, text: string): Promise<void> {
  const stream = new net.Socket({ fd: pipe.write, readable: false, writable: true });
  stream.on("error", () => undefined);
  stream.end(text);
  return closed(stream);
}

function closed(stream: net.Socket): Promise<void> {
  return new Promise((resolve) =>
    stream.once("close", () => {
      resolve();
    }),
  );
}
