/** Child processes, each in its own process group, so that none outlives the push. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";

/** Called when a group starts and ends, so that another process can kill it if this one is killed. */
export type GroupWatcher = (event: "started" | "ended", group: number) => void;

const groups = new Set<number>();

/** Starts a program without a shell. `env` is its whole environment: see environment.ts. */
export function startGroup(
  [program = "", ...args]: string[],
  env: NodeJS.ProcessEnv,
  watcher: GroupWatcher = () => undefined,
): ChildProcessWithoutNullStreams {
  // In a new session there is no terminal: the child cannot prompt, and Ctrl-C reaches only this process.
  const child = spawn(program, args, { env, stdio: "pipe", detached: true });
  const group = child.pid;
  if (group !== undefined) {
    groups.add(group);
    watcher("started", group);
    child.on("exit", () => {
      // Processes that it detached on purpose go on, such as a change on this machine.
      groups.delete(group);
      watcher("ended", group);
    });
  }
  // A child that does not read all of its stdin is no error; its exit code counts.
  child.stdin.on("error", () => undefined);
  return child;
}

/** The exit code once its output has ended too; null if it could not be started, or was killed, as after `limitMs`. */
export function exitWithin(
  child: ChildProcessWithoutNullStreams,
  limitMs: number,
): Promise<number | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
    const end = (code: number | null): void => {
      clearTimeout(timer);
      resolve(code);
    };
    child.on("close", end);
    child.on("error", () => {
      end(null);
    });
  });
}

export function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // Already gone.
  }
}

/** Called when this process exits. */
export function endAllGroups(): void {
  groups.forEach(endGroup);
}
