/** Runs commands: to the end with their output, or as a child to talk to. */
import { spawn } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { LabError } from "./world";

export interface Finished {
  /** The exit code; 128 + signal when it was killed, 124 when its time was up. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** What it gets on stdin; default nothing. */
  input?: string;
  /** Default: this process's own. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Then it is killed and the code is 124; default 60,000. */
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** Whoever dies (SIGKILL included) takes the commands that it started along: no half-built world goes on being built. */
const DIES_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"];

/** Starts a command that ends with this process. */
export function start(argv: string[], options: SpawnOptions): ChildProcess {
  const [program = "", ...rest] = [...DIES_WITH_PARENT, ...argv];
  return spawn(program, rest, options);
}

/** Runs a command to its end, whatever its exit code. */
export async function run(argv: string[], options: RunOptions = {}): Promise<Finished> {
  const child = start(argv, { env: options.env, cwd: options.cwd, stdio: "pipe" });
  const finished = await collect(child, options);
  return finished;
}

/** @throws LabError with the command's last words when its exit code is not 0. */
export async function must(argv: string[], options: RunOptions = {}): Promise<Finished> {
  const finished = await run(argv, options);
  if (finished.code !== 0) {
    const words = (finished.stderr + finished.stdout).trim();
    throw new LabError(`${argv.join(" ")} failed (${finished.code}): ${words}`);
  }
  return finished;
}

async function collect(child: ChildProcess, options: RunOptions): Promise<Finished> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // A command that does not read its stdin to the end is no fault of ours.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.input ?? "");
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    // A grandchild may still hold the pipes open: nothing more is waited for.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  try {
    const code = await exitCode(child);
    return { code: child.killed ? 124 : code, ...output };
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for the end of a child and of its output. */
export function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve(code ?? 128 + (signal === "SIGKILL" ? 9 : signal === "SIGINT" ? 2 : 15));
    });
  });
}

/** Asks again and again until the answer is there, at most `limitMs`; then undefined. */
export async function waitFor<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  limitMs: number,
  everyMs = 10,
): Promise<T | undefined> {
  const end = Date.now() + limitMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined || Date.now() >= end) return answer;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Does the same to all, at most `width` at a time. After a failure nothing new is begun; it is thrown when all is quiet. */
export async function forAll<T>(
  all: T[],
  width: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const queue = [...all];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await work(next);
      } catch (error) {
        failures.push(error);
        queue.length = 0;
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  if (failures.length > 0) throw failures[0];
}
