/** Boots one host: its own namespaces, file system and sshd; and says how to run something in it. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { LaidNode } from "./layout";
import { waitFor } from "./process";
import { findRepository } from "./repository";
import type { StateFolder } from "./state";
import { LabError } from "./world";

const BOOT_LIMIT_MS = 30_000;
const SSHD_IS_UP = /^Server listening on /m;
export const HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface RunningHost {
  /** Killing it (KILL: `unshare --fork` ignores TERM) ends the host with all its processes. */
  outer: number;
  /** The host's pid 1 as seen from outside. */
  init: number;
}

/**
 * Boots a host whose network is there already; resolves when its sshd listens.
 * @throws LabError with the last words of the boot.
 */
export async function bootHost(
  folder: StateFolder,
  node: LaidNode,
  authorizedKey: string,
): Promise<RunningHost> {
  const logFile = hostLog(folder, node.name);
  const log = fs.openSync(logFile, "a", 0o600);
  const seenBefore = fs.fstatSync(log).size;
  const child = startHost(folder, node, authorizedKey, log);
  fs.closeSync(log);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  child.on("error", () => undefined);
  const words = (): string => fs.readFileSync(logFile).subarray(seenBefore).toString();
  await waitFor(() => (hasEnded() || SSHD_IS_UP.test(words()) ? true : undefined), BOOT_LIMIT_MS);
  const init = child.pid === undefined || hasEnded() ? undefined : childOf(child.pid);
  if (child.pid === undefined || init === undefined) {
    throw new LabError(
      `The host ${node.name} did not boot: ${words().trim() || "no word from it"}`,
    );
  }
  return { outer: child.pid, init };
}

/** The host outlives this process, so that the lab stays up. */
function startHost(folder: StateFolder, node: LaidNode, key: string, log: number): ChildProcess {
  const script = path.join(findRepository(), "scripts/lab/host.sh");
  const disk = path.join(folder.disks, node.name);
  const enter = ["netns", "exec", node.namespace, "unshare"];
  const flags = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"];
  const child = spawn("ip", [...enter, ...flags, "sh", script, node.name, disk, key], {
    detached: true,
    stdio: ["ignore", log, log],
    env: { PATH: HOST_PATH },
  });
  child.unref();
  return child;
}

/** The words that run something as root in a host, in front of its own argv. It ends when its caller does. */
export function inHost(host: RunningHost): string[] {
  // --wd without a path is sshd's, the host's /; a path would be looked up outside and stay outside.
  const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"];
  return [
    ...["nsenter", `--target=${host.init}`, ...namespaces, "--"],
    ...["setpriv", "--pdeathsig", "KILL", "--"],
  ];
}

/** What a command in a host finds in its environment, and nothing else: the machine's own stays outside. */
export function hostEnvironment(): Record<string, string> {
  const own = { PATH: HOST_PATH, HOME: "/root", USER: "root", LOGNAME: "root", SHELL: "/bin/sh" };
  const terminal = process.env["TERM"];
  return terminal === undefined ? own : { ...own, TERM: terminal };
}

/** The file with what a host's boot and its sshd said. */
export function hostLog(folder: StateFolder, name: string): string {
  return path.join(folder.logs, `${name}.log`);
}

/** A host's own files, seen from outside. */
export function hostFile(folder: StateFolder, name: string, file: string): string {
  const [, tree = "", ...rest] = file.split("/");
  const isOverlay = ["usr", "etc"].includes(tree);
  const place = isOverlay ? path.join(tree, "upper") : path.join("root", tree);
  return path.join(folder.disks, name, place, ...rest);
}

function childOf(pid: number): number | undefined {
  const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  return children[0] === "" ? undefined : Number(children[0]);
}
