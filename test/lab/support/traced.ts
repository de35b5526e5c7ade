/** Records the system calls of all that logins start on a lab's host, with strace(1). */
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
 * Runs an action while everything below the host's sshd is traced, what goes on after its login too.
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
  let words = "";
  strace.stderr?.setEncoding("utf8").on("data", (text: string) => (words += text));
  const ended = once(strace, "close");
  const attached = async () =>
    (await lab.exec(node, ["grep", "-q", "^TracerPid:\t[1-9]", "/proc/1/status"])).code === 0 ||
    undefined;
  assert.ok(await poll(attached, { limitMs: 10_000, pauseMs: 50 }), words);
  try {
    await action();
  } finally {
    // It writes what it has, and lets go.
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
