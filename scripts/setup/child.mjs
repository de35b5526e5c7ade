// Runs a program without stdin and with a time limit; kills its whole process group on timeout or interruption.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { clearTimeout, setTimeout } from "node:timers";
import { onInterrupt } from "./interrupts.mjs";

const KEPT_BYTES = 64 * 1024;

/**
 * @typedef {object} Outcome
 * @property {boolean} ok exit code 0 within the time limit
 * @property {string} stdout the last 64 KiB of it
 * @property {string} output the last 64 KiB of stdout and stderr together, and why it was killed or not started
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ seconds: number, env?: NodeJS.ProcessEnv, cwd?: string, onStderr?: (chunk: Buffer) => void }} options
 *   seconds: the time limit
 * @returns {Promise<Outcome>} never rejects
 */
export function run(command, args, { seconds, env = process.env, cwd, onStderr }) {
  return new Promise((resolve) => {
    // Its own process group, so that its children (a shell's, a compiler's) are killed with it.
    const child = spawn(command, args, {
      cwd,
      env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const stdout = tail();
    const both = tail();
    let timedOut = false;
    const kill = () => killGroup(child.pid);
    const unregister = onInterrupt(kill);
    const limit = setTimeout(() => {
      timedOut = true;
      kill();
    }, seconds * 1000);

    /** @param {boolean} ok @param {string} [reason] */
    const done = (ok, reason) => {
      clearTimeout(limit);
      unregister();
      const output = [both.text(), reason].filter(Boolean).join("\n");
      resolve({ ok, stdout: stdout.text(), output });
    };
    child.stdout.on("data", (chunk) => (stdout.add(chunk), both.add(chunk)));
    child.stderr.on("data", (chunk) => (both.add(chunk), onStderr?.(chunk)));
    child.on("error", (error) => done(false, error.message));
    child.on("close", (code, signal) => {
      if (timedOut) return done(false, `timed out after ${seconds} s`);
      done(code === 0, signal ? `ended by ${signal}` : undefined);
    });
  });
}

/**
 * Sends SIGKILL to a process group.
 * @param {number | undefined} pid of its leader; undefined: the leader was not started
 */
export function killGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // The group has ended.
  }
}

/** A buffer that keeps the last bytes of what is added. */
function tail() {
  let kept = Buffer.alloc(0);
  return {
    /** @param {Buffer} chunk */
    add(chunk) {
      kept = Buffer.concat([kept, chunk]).subarray(-KEPT_BYTES);
    },
    text: () => kept.toString("utf8").trim(),
  };
}

/**
 * @param {string} output
 * @param {number} count
 * @returns {string} its last non-empty lines, indented for a message
 */
export function lastLines(output, count) {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines
    .slice(-count)
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}
