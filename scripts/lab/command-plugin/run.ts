/** Runs one command with its input and collects its output. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import * as net from "node:net";
import { checkFolder, exitText, goQuote, lookPath, startFailure, StartFailure } from "./go-text";
import { makeThreePipes, type Pipe } from "./pipes";

export interface Job {
  command: string;
  /** Program and first arguments, to which the command is appended. Never empty. */
  interpreter: string[];
  /** Empty: the plugin's working directory. */
  dir: string;
  /** Added to the plugin's own environment. */
  environment: Record<string, string>;
  /** Empty: /dev/null. */
  stdin: string;
}

export type Stream = "stdout" | "stderr";

/** One piece of output, as read from the pipe. */
export interface Piece {
  stream: Stream;
  bytes: Buffer;
}

/** The command failed. The message is the real plugin's, with all output so far. */
export class CommandFailure extends Error {
  /** `code`: the gRPC status code. */
  constructor(
    cause: string,
    job: Job,
    pieces: Piece[],
    readonly code: "UNKNOWN" | "CANCELLED" | "DEADLINE_EXCEEDED" = "UNKNOWN",
  ) {
    super(`${cause}: running ${goQuote(job.command)}:\n${joined(pieces).toString()}`);
  }
}

/**
 * Returns all output in order of arrival; `onPiece` is called for each piece. An abort sends SIGKILL to the process but
 * not to its children; like the real plugin, this then waits until every process has closed the output.
 * @throws CommandFailure
 */
export async function run(
  job: Job,
  onPiece: (piece: Piece) => void,
  abort: AbortSignal,
): Promise<Piece[]> {
  if (abort.aborted) throw abortedBefore(job, abort);
  const pieces: Piece[] = [];
  const record = (piece: Piece): void => {
    pieces.push(piece);
    onPiece(piece);
  };
  try {
    const end = await runProcess(job, record, abort);
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
  const isTimeout = (abort.reason as Error | undefined)?.name === "TimeoutError";
  return isTimeout
    ? new CommandFailure("context deadline exceeded", job, [], "DEADLINE_EXCEEDED")
    : new CommandFailure("context canceled", job, [], "CANCELLED");
}

/** Returns Go's text for the exit state; empty for success. @throws StartFailure */
async function runProcess(
  job: Job,
  onPiece: (piece: Piece) => void,
  abort: AbortSignal,
): Promise<string> {
  const [stdin, stdout, stderr] = await makeThreePipes();
  const transfers = [
    writeAll(stdin, job.stdin),
    readAll(stdout, (bytes) => {
      onPiece({ stream: "stdout", bytes });
    }),
    readAll(stderr, (bytes) => {
      onPiece({ stream: "stderr", bytes });
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
  await Promise.all(transfers);
  return code === 0 ? "" : exitText(code, signal);
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

/** Resolves when every process has closed the other end. */
function readAll(pipe: Pipe, onData: (bytes: Buffer) => void): Promise<void> {
  const stream = new net.Socket({ fd: pipe.read, readable: true, writable: false });
  stream.on("data", onData);
  return closed(stream);
}

/** Resolves when everything is written or the other end is closed, which is not an error (as in Go's os/exec). */
function writeAll(pipe: Pipe, text: string): Promise<void> {
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
