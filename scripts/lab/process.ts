/** Runs commands: collects their output, or returns the child process. */
import { spawn } from "node:child_process";
import type { ChildProcess, SpawnOptions } from "node:child_process";
import { LabError } from "./world";

export interface CommandResult {
  /** The exit code; 128 + signal when it was killed, 124 after a timeout. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Standard input; default empty. */
  input?: string;
  /** Default: this process's own. */
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** The command is killed after this time, with exit code 124; default 60,000. */
  timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;
/** Kills the command when this process ends, even by SIGKILL, so that an abandoned build stops. */
const DIES_WITH_PARENT = ["setpriv", "--pdeathsig", "KILL"];

/** Starts a command that ends with this process. */
export function start(argv: string[], options: SpawnOptions): ChildProcess {
  const [program = "", ...rest] = [...DIES_WITH_PARENT, ...argv];
  return spawn(program, rest, options);
}

/** Runs a command and waits for it; a non-zero exit code is not an error. */
export async function run(argv: string[], options: RunOptions = {}): Promise<CommandResult> {
  const child = start(argv, { env: options.env, cwd: options.cwd, stdio: "pipe" });
  return collect(child, options);
}

/** Runs a command and waits for it. @throws LabError with its output when the exit code is not 0. */
export async function runOrThrow(argv: string[], options: RunOptions = {}): Promise<CommandResult> {
  const finished = await run(argv, options);
  if (finished.code !== 0) {
    const output = (finished.stderr + finished.stdout).trim();
    throw new LabError(`${argv.join(" ")} failed (${finished.code}): ${output}`);
  }
  return finished;
}

async function collect(child: ChildProcess, options: RunOptions): Promise<CommandResult> {
  const output = { stdout: "", stderr: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (output.stdout += text));
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (output.stderr += text));
  // EPIPE: the command may exit without reading all of its input.
  child.stdin?.on("error", () => undefined);
  child.stdin?.end(options.input ?? "");
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    // A grandchild may still hold the pipes open; do not wait for it.
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

/** Waits until a child has ended and its output is closed. */
export function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve(code ?? 128 + (signal === "SIGKILL" ? 9 : signal === "SIGINT" ? 2 : 15));
    });
  });
}

/**
 * Calls `work` for each item, at most `width` at a time. After a failure no new call starts; the first error is thrown
 * once the running calls have ended.
 */
export async function forEachLimited<T>(
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
