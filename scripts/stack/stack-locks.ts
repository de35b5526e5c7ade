/**
 * Who holds a stack's lock, where the engine keeps it in a folder (a `file://` backend): one JSON file for each run,
 * .pulumi/locks/…/PROJECT/STACK/ID.json (pulumi, pkg/backend/diy/lock.go). A run that is killed leaves its file.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { isMap } from "../../mesh/config/shape-issues";
import { askEngine } from "./engine";
import type { Stack } from "./project";

export interface StackLock {
  file: string;
  pid: number;
  user: string;
  host: string;
  since: string;
}

/** Empty for a stack that nobody works on, and for any other kind of backend. */
export async function readLocks(stack: Stack): Promise<StackLock[]> {
  const root = folderOf(await backendOf(stack));
  if (root === null) return [];
  const locks = join(root, ".pulumi/locks");
  const own = join(stack.project.name, stack.name.split("/").at(-1) ?? "");
  return filesBelow(locks)
    .filter((file) => file.slice(0, file.lastIndexOf("/")).endsWith(`/${own}`))
    .flatMap(readLock);
}

/** Of a run on this machine whose process is no more. What cannot be known for sure is not left. */
export function isLeft({ host, pid }: StackLock): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
    return isNoEngine(pid);
  } catch (problem) {
    return (problem as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** One that was killed and not yet waited for by its parent, or another program that has got the number since; on Linux. */
function isNoEngine(pid: number): boolean {
  try {
    // proc_pid_stat(5): PID (NAME) STATE …; a wrapper keeps the engine's name in its own.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const close = stat.lastIndexOf(")");
    return !stat.slice(0, close).includes("pulumi") || /^[ZX]/.test(stat.slice(close + 2));
  } catch {
    return false;
  }
}

/** This one alone: `pulumi cancel` would take away all, that of a run which began a moment ago too. */
export function removeLock({ file }: StackLock): void {
  rmSync(file, { force: true });
}

export function holderOf({ pid, user, host, since }: StackLock): string {
  return `process ${pid} of ${user} on ${host}, since ${since}`;
}

async function backendOf(stack: Stack): Promise<string> {
  const answer = await askEngine(stack.project, ["whoami", "--json"]);
  if (answer.exitCode !== 0) return "";
  const who: unknown = JSON.parse(answer.stdout);
  return isMap(who) && typeof who["url"] === "string" ? who["url"] : "";
}

function folderOf(url: string): string | null {
  if (!url.startsWith("file://")) return null;
  const [place = ""] = url.slice("file://".length).split("?");
  return place.startsWith("~") ? join(homedir(), place.slice(1)) : place;
}

function filesBelow(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return entries.filter((name) => name.endsWith(".json")).map((name) => join(folder, name));
  } catch {
    // No run has ever taken a lock here.
    return [];
  }
}

function readLock(file: string): StackLock[] {
  try {
    const lock: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (!isMap(lock)) return [];
    const { pid, username, hostname: host, timestamp } = lock;
    if (typeof pid !== "number" || typeof host !== "string") return [];
    return [{ file, pid, host, user: String(username), since: String(timestamp) }];
  } catch {
    // Its run has ended since.
    return [];
  }
}
