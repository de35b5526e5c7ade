/** Boots one host with its own namespaces, file system and sshd, and runs commands in it. */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { poll } from "../poll";
import type { NodeLayout } from "./layout";
import { findRepository } from "./repository";
import type { StateFolder } from "./state";
import { LabError } from "./world";

const BOOT_LIMIT_MS = 30_000;
const SSHD_IS_UP = /^Server listening on /m;
const HOST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Gives hosts priority over the operator's programs: real hosts have processors of their own, and one that waits for a
 * processor here would answer late and lose packets.
 */
export const HOST_PRIORITY = ["nice", "-n", "-5"];

export interface RunningHost {
  /** Killing it (KILL: `unshare --fork` ignores TERM) ends the host with all its processes. */
  outer: number;
  /** The host's pid 1 as seen from outside. */
  init: number;
}

/**
 * Boots a host whose network is already built; resolves when its sshd listens.
 * @throws LabError with the log of the boot.
 */
export async function bootHost(
  folder: StateFolder,
  node: NodeLayout,
  authorizedKey: string,
): Promise<RunningHost> {
  const logFile = hostLog(folder, node.name);
  const logFd = fs.openSync(logFile, "a", 0o600);
  const logStart = fs.fstatSync(logFd).size;
  const child = startHost(folder, node, authorizedKey, logFd);
  fs.closeSync(logFd);
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  child.on("error", () => undefined);
  const log = (): string => fs.readFileSync(logFile).subarray(logStart).toString();
  await poll(() => (hasEnded() || SSHD_IS_UP.test(log()) ? true : undefined), {
    limitMs: BOOT_LIMIT_MS,
    pauseMs: 10,
  });
  const init = child.pid === undefined || hasEnded() ? undefined : childOf(child.pid);
  if (child.pid === undefined || init === undefined) {
    throw new LabError(`The host ${node.name} did not boot: ${log().trim() || "its log is empty"}`);
  }
  return { outer: child.pid, init };
}

/** The host outlives this process, so that the lab stays up. */
function startHost(folder: StateFolder, node: NodeLayout, key: string, log: number): ChildProcess {
  const script = path.join(findRepository(), "scripts/lab/host.sh");
  const disk = path.join(folder.disks, node.name);
  const enter = ["netns", "exec", node.namespace, "unshare"];
  const flags = ["--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child"];
  const argv = [...HOST_PRIORITY, "ip", ...enter, ...flags, "sh", script, node.name, disk, key];
  const [program = "", ...rest] = argv;
  const child = spawn(program, rest, {
    detached: true,
    stdio: ["ignore", log, log],
    env: { PATH: HOST_PATH },
  });
  child.unref();
  return child;
}

/** The command prefix that runs an argv as root in a host and kills it when the caller ends. */
export function hostCommandPrefix(host: RunningHost): string[] {
  // --wd without a path means the working directory of the target, /; a path would be resolved outside the host.
  const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"];
  return [
    ...HOST_PRIORITY,
    ...["nsenter", `--target=${host.init}`, ...namespaces, "--"],
    ...["setpriv", "--pdeathsig", "KILL", "--"],
  ];
}

/** The complete environment of a command in a host; none of the machine's own variables except TERM. */
export function hostEnvironment(): Record<string, string> {
  const own = { PATH: HOST_PATH, HOME: "/root", USER: "root", LOGNAME: "root", SHELL: "/bin/sh" };
  const terminal = process.env["TERM"];
  return terminal === undefined ? own : { ...own, TERM: terminal };
}

/** The log file of a host's boot and sshd. */
export function hostLog(folder: StateFolder, name: string): string {
  return path.join(folder.logs, `${name}.log`);
}

/** The path of a host's file, as seen from outside. */
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
