/** The programs that a push starts: each leads a process group of its own, and none outlives the push. */
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";

/** Told of each group that begins and ends, so that it can end them when this process is killed. */
export type GroupWatcher = (event: "started" | "ended", group: number) => void;

const groups = new Set<number>();

/** Starts a program without a shell. `env` is its whole environment: see environment.ts. */
export function startGroup(
  [program = "", ...args]: string[],
  env: NodeJS.ProcessEnv,
  watcher: GroupWatcher = () => undefined,
): ChildProcessWithoutNullStreams {
  // A session of its own has no terminal: nothing can ask there, and Ctrl-C comes to us alone.
  const child = spawn(program, args, { env, stdio: "pipe", detached: true });
  const group = child.pid;
  if (group !== undefined) {
    groups.add(group);
    watcher("started", group);
    child.on("exit", () => {
      // What it left behind on purpose lives on: the host's detached change, where this very machine is the host.
      groups.delete(group);
      watcher("ended", group);
    });
  }
  // Who does not read to the end is judged by how it ends.
  child.stdin.on("error", () => undefined);
  return child;
}

export function endGroup(group: number): void {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** For the last moment of this process. */
export function endAllGroups(): void {
  groups.forEach(endGroup);
}
