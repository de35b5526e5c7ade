/**
 * The locks of a stack in a `file://` backend: one JSON file per run, .pulumi/locks/…/PROJECT/STACK/ID.json
 * (pulumi, pkg/backend/diy/lock.go). A run that is killed leaves its lock behind.
 */
import { readFileSync, rmSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { isMap } from "../../mesh/config/shape-issues";
import { log } from "../log";
import { backendFolder } from "./engine";
import type { EngineRun } from "./engine-run";
import { filesBelow } from "./files-below";
import { shortName, type StackRef } from "./project";

interface StackLock {
  file: string;
  pid: number;
  user: string;
  host: string;
  since: string;
}

/**
 * Runs the engine. If it does not start because a killed run on this machine left the stack locked, removes that lock and
 * runs the engine again. This is safe: a host undoes an unfinished push by itself.
 */
export async function runUnlocked<R extends EngineRun>(
  stack: StackRef,
  run: () => Promise<R>,
): Promise<R> {
  const first = await run();
  if (first.exitCode === 0 || first.updated || first.failed.length > 0) return first;
  const locks = await readLocks(stack);
  if (locks.length === 0) return first;
  if (locks.every(isStale)) {
    for (const lock of locks) {
      log(`removed the stack's lock, which a killed run had left: ${lockText(lock)}`);
      // Not by `pulumi cancel`: that removes all locks, also one that a new run has just taken.
      rmSync(lock.file, { force: true });
    }
    return run();
  }
  const holders = locks.filter((lock) => !isStale(lock)).map(lockText);
  const reason = `another run holds the stack's lock: ${holders.join("; ")}. Wait until it has ended, then run this again. If it was killed: npx pulumi cancel --stack ${stack.name}`;
  log(reason);
  return { ...first, failed: [{ node: null, reason }] };
}

/** Empty for an unlocked stack, and for any other kind of backend. */
async function readLocks(stack: StackRef): Promise<StackLock[]> {
  const root = await backendFolder(stack.project);
  if (root === null) return [];
  const locks = join(root, ".pulumi/locks");
  const own = join(stack.project.name, shortName(stack.name));
  // The folder is created with the first lock.
  return filesBelow(locks, ".json")
    .filter((file) => file.slice(0, file.lastIndexOf("/")).endsWith(`/${own}`))
    .flatMap(readLock);
}

/** Whether the lock's process ran on this machine and has certainly ended. */
function isStale({ host, pid }: StackLock): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return isNoEngine(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** Whether the process is a zombie, or another program that has reused the id. False if /proc cannot be read. */
function isNoEngine(pid: number): boolean {
  try {
    // proc_pid_stat(5): PID (NAME) STATE …; a wrapper of the engine has `pulumi` in its name too.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const close = stat.lastIndexOf(")");
    return !stat.slice(0, close).includes("pulumi") || /^[ZX]/.test(stat.slice(close + 2));
  } catch {
    return false;
  }
}

function lockText({ pid, user, host, since }: StackLock): string {
  return `process ${pid} of ${user} on ${host}, since ${since}`;
}

function readLock(file: string): StackLock[] {
  try {
    const lock: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (!isMap(lock)) return [];
    const { pid, username, hostname: host, timestamp } = lock;
    if (typeof pid !== "number" || typeof host !== "string") return [];
    return [{ file, pid, host, user: String(username), since: String(timestamp) }];
  } catch {
    // Removed since the folder was listed: that run has ended.
    return [];
  }
}
