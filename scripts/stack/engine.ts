/** The engine's CLI, `pulumi`, as a child process in the project's folder. */
import { spawn } from "node:child_process";
import { availableParallelism, homedir } from "node:os";
import { join } from "node:path";
import { isMap } from "../../mesh/config/shape-issues";
import { removeTruncatedAttributes } from "./truncated-attributes";
import { Failure } from "./failure";
import { findEngine } from "./find-engine";
import type { Project, StackRef } from "./project";

interface EngineResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs `pulumi ARGS` without a terminal and collects its output. Secrets go on `stdin`. */
export async function captureEngine(
  project: Project,
  args: readonly string[],
  stdin = "",
): Promise<EngineResult> {
  const all = [...args, "--non-interactive", "--color", "never"];
  return retryAfterTruncation(project, () => collect(project, all, stdin), isUnreadable);
}

/** Like captureEngine, with more environment variables. On Ctrl-C it waits until the engine has ended, to report the outcome. */
export async function runEngineQuietly(
  project: Project,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<EngineResult> {
  const all = [...args, "--non-interactive"];
  const run = () => ignoringInterrupts(() => collect(project, all, "", environment));
  return retryAfterTruncation(project, run, isUnreadable);
}

/** Runs the engine again if it failed because a killed run had left a truncated attribute file. */
async function retryAfterTruncation<A>(
  project: Project,
  run: () => Promise<A>,
  failed: (answer: A) => boolean,
): Promise<A> {
  const answer = await run();
  if (!failed(answer)) return answer;
  const folder = await backendFolder(project);
  return folder !== null && removeTruncatedAttributes(folder) ? run() : answer;
}

function isUnreadable({ exitCode, stderr }: EngineResult): boolean {
  return exitCode !== 0 && stderr.includes("failed to load checkpoint");
}

/** The folder of a `file://` backend; null for any other kind. */
export async function backendFolder(project: Project): Promise<string | null> {
  const answer = await collect(project, ["whoami", "--json", "--non-interactive"], "");
  const who: unknown = answer.exitCode === 0 ? JSON.parse(answer.stdout) : null;
  const url = isMap(who) && typeof who["url"] === "string" ? who["url"] : "";
  if (!url.startsWith("file://")) return null;
  const [folder = ""] = url.slice("file://".length).split("?");
  return folder.startsWith("~") ? join(homedir(), folder.slice(1)) : folder;
}

async function collect(
  project: Project,
  args: readonly string[],
  stdin: string,
  environment: Record<string, string> = {},
): Promise<EngineResult> {
  const child = spawn(findEngine(project.root), args, {
    cwd: project.root,
    env: { ...engineEnvironment(project), ...environment },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // EPIPE: the child has ended before reading everything; its exit code has the reason.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  const exitCode = await exitOf(child);
  return {
    exitCode,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
}

/** Runs `pulumi ARGS` on the user's terminal, with its stdout on `out`; resolves to its exit code. */
export async function runEngine(
  project: Project,
  args: readonly string[],
  out: "stdout" | "stderr",
): Promise<number> {
  const run = () => {
    const child = spawn(findEngine(project.root), args, {
      cwd: project.root,
      env: engineEnvironment(project),
      stdio: ["inherit", out === "stdout" ? "inherit" : 2, "inherit"],
    });
    return ignoringInterrupts(() => exitOf(child));
  };
  // The error message is only on the terminal, so any failure counts.
  return retryAfterTruncation(project, run, (exitCode) => exitCode !== 0);
}

/** Ignores Ctrl-C, which also reaches the engine: its outcome is reported after it has ended. */
async function ignoringInterrupts<T>(run: () => Promise<T>): Promise<T> {
  const ignore = () => undefined;
  process.on("SIGINT", ignore);
  try {
    return await run();
  } finally {
    process.off("SIGINT", ignore);
  }
}

/**
 * Returns stdout of `pulumi ARGS --stack STACK`.
 * @throws Failure when it fails; `what` describes the wanted output, for the message.
 */
export async function queryStack(
  stack: StackRef,
  args: readonly string[],
  what: string,
): Promise<string> {
  const answer = await captureEngine(stack.project, onStack(stack, ...args));
  if (answer.exitCode === 0) return answer.stdout;
  // `config get` would print a secret on the terminal.
  const check = args[0] === "config" ? ["config"] : args.slice(0, 2);
  throw new Failure(
    `pulumi did not return ${what}: ${errorOf(answer)}`,
    remedyFor(answer) ?? `check that this works: npx pulumi ${onStack(stack, ...check).join(" ")}`,
  );
}

/** The remedy for a missing backend login or a wrong passphrase; null for any other failure. */
export function remedyFor({ stderr }: Pick<EngineResult, "stderr">): string | null {
  if (/PULUMI_ACCESS_TOKEN must be set|pulumi login|not logged in/i.test(stderr))
    return LOGIN_REMEDY;
  return /passphrase/i.test(stderr) ? PASSPHRASE_REMEDY : null;
}

const LOGIN_REMEDY =
  "log in to where the stack's state is: npx pulumi login file://~/.wireguard-mesh";

const PASSPHRASE_REMEDY =
  "the stack's secrets need their passphrase (if it is lost: docs/secrets.md): export PULUMI_CONFIG_PASSPHRASE='...'";

/** The arguments of an engine's command, with `--stack`. */
export function onStack(stack: StackRef, ...args: readonly string[]): string[] {
  return [...args, "--stack", stack.name];
}

/** The error messages of a failed engine, without `error:`; without any, its last lines, or else its exit code. */
export function errorOf(answer: EngineResult): string {
  if (answer.stderr.trim() === "")
    return `pulumi ended with code ${answer.exitCode} and no error message; it may have been killed`;
  const lines = answer.stderr.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => line.startsWith("error:"));
  return (errors.length > 0 ? errors : lines.slice(-3))
    .map((line) => line.replace(/^error: /, ""))
    .join("; ");
}

/**
 * A push mostly waits for its host, up to half a minute if it does not answer, so a small machine can run more pushes in parallel
 * than the engine's default of four for each processor. Each needs about 60 MB of memory.
 */
export const MIN_PARALLEL_PUSHES = 20;

function engineEnvironment({ root }: Project): NodeJS.ProcessEnv {
  return {
    // Set here, because the SDK is loaded before the program could enable the cache (scripts/program.cjs).
    NODE_COMPILE_CACHE: join(root, "node_modules/.cache/wireguard-mesh/node"),
    // The flag --parallel takes precedence.
    PULUMI_PARALLEL: String(Math.max(MIN_PARALLEL_PUSHES, 4 * availableParallelism())),
    ...process.env,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Enables --event-log; the Automation API sets this too.
    PULUMI_DEBUG_COMMANDS: "true",
  };
}

function exitOf(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve(code ?? (signal === null ? 1 : 130));
    });
  });
}
