/** Records the system calls of all programs that logins start on a lab's host, with strace(1). */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { poll } from "../../../scripts/poll";
import type { Lab } from "../../../scripts/lab/lab";

const FILE = "/var/log/trace";

export function hasStrace(): boolean {
  return spawnSync("strace", ["-V"]).status === 0;
}

/**
 * Runs an action while sshd and its descendants on the host are traced, also those that outlive their login.
 * @returns the lines of strace: PID, call, result; a call that was interrupted by another process has two lines.
 */
export async function traced(
  lab: Lab,
  node: string,
  calls: readonly string[],
  action: () => Promise<void>,
): Promise<string[]> {
  const options = ["-f", "-qq", "-s", "300", "-e", "signal=none", "-e", `trace=${calls.join(",")}`];
  // The host's first process is its sshd.
  const strace = lab.spawn(node, ["strace", ...options, "-o", FILE, "-p", "1"], { stdio: "pipe" });
  let errors = "";
  strace.stderr?.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const ended = once(strace, "close");
  const attached = async () =>
    (await lab.exec(node, ["grep", "-q", "^TracerPid:\t[1-9]", "/proc/1/status"])).code === 0 ||
    undefined;
  assert.ok(await poll(attached, { limitMs: 10_000, pauseMs: 50 }), errors);
  try {
    await action();
  } finally {
    // On SIGINT strace flushes its output and detaches.
    await lab.exec(node, ["pkill", "-INT", "-x", "strace"]);
    await ended;
  }
  return (await lab.exec(node, ["cat", FILE])).stdout.split("\n").filter((line) => line !== "");
}

/** The programs that were started, by their first argument: those whose execve(2) succeeded. */
export function startedPrograms(lines: readonly string[]): string[] {
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const [, pid = "", call = ""] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const path = /^execve\("([^"]*)"/.exec(call)?.[1];
    if (path !== undefined) begun.set(pid, path);
    if (!/^(?:execve\(|<\.\.\. execve resumed>).* = 0$/.test(call)) return [];
    return [begun.get(pid) ?? ""];
  });
}
