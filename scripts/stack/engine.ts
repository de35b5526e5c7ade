/** The engine's CLI as a child process: found, started in the project's folder, its answers taken. */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join, sep } from "node:path";
import { Failure } from "./failure";
import type { Project, Stack } from "./project";

export interface EngineAnswer {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs `pulumi ARGS` without a terminal and takes what it prints. `stdin` is the place for secrets. */
export async function askEngine(
  project: Project,
  args: readonly string[],
  stdin = "",
): Promise<EngineAnswer> {
  const child = spawn(findEngine(project), [...args, "--non-interactive", "--color", "never"], {
    cwd: project.root,
    env: engineEnvironment(),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A child that ends before it has read all is known by its exit code.
  child.stdin.on("error", () => undefined);
  child.stdin.end(stdin);
  const exitCode = await exitOf(child);
  return {
    exitCode,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
}

/** Runs `pulumi ARGS` on the user's own terminal. `out` is where its output goes; resolves to its exit code. */
export async function runEngine(
  project: Project,
  args: readonly string[],
  out: "stdout" | "stderr",
): Promise<number> {
  const child = spawn(findEngine(project), args, {
    cwd: project.root,
    env: engineEnvironment(),
    stdio: ["inherit", out === "stdout" ? "inherit" : 2, "inherit"],
  });
  // Ctrl-C reaches the engine too, which ends in its own time; leaving before it would hide how it ended.
  const wait = () => undefined;
  process.on("SIGINT", wait);
  try {
    return await exitOf(child);
  } finally {
    process.off("SIGINT", wait);
  }
}

/** Puts `--stack` behind a command of the engine. */
export function onStack(stack: Stack, ...args: string[]): string[] {
  return [...args, "--stack", stack.name];
}

/** The last words of an engine that failed, without its `error:`. */
export function complaintOf(answer: EngineAnswer): string {
  const lines = answer.stderr.split("\n").filter((line) => line.trim() !== "");
  const errors = lines.filter((line) => line.startsWith("error:"));
  return (errors.length > 0 ? errors : lines.slice(-3))
    .map((line) => line.replace(/^error: /, ""))
    .join("; ");
}

/** A pulumi on PATH, else the npm package's. npx puts node_modules/.bin first on PATH; it is the second choice here. */
function findEngine(project: Project): string {
  const onPath = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !folder.endsWith(`node_modules${sep}.bin`));
  const folders = [...onPath, join(project.root, "node_modules", ".bin")];
  const found = folders.map((folder) => join(folder, "pulumi")).find(isExecutable);
  if (found !== undefined) return found;
  throw new Failure(
    "the engine (pulumi) is neither on PATH nor in node_modules",
    `run: npm ci (in ${project.root}), or install pulumi 3.250.0`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function engineEnvironment(): NodeJS.ProcessEnv {
  return {
    // Types are checked when the project is; at each run that would take longer than all else.
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    ...process.env,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Makes --event-log known, which the Automation API uses in the same way.
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
