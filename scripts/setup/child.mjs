// Runs a helper program without input and with a time limit, and ends all that it started when the limit or the user says so.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { clearTimeout, setTimeout } from "node:timers";
import { onInterrupt } from "./interrupts.mjs";

const KEEP = 64 * 1024;

/**
 * @typedef {object} Outcome
 * @property {boolean} ok ended by itself with exit code 0
 * @property {string} stdout its end, at most 64 KiB
 * @property {string} output the end of stdout and stderr as they came, for messages; or why it could not run
 */

/**
 * @param {string} command
 * @param {string[]} args
 * @param {{ seconds: number, env?: NodeJS.ProcessEnv, cwd?: string, onStderr?: (text: Buffer) => void }} how
 *   onStderr: gets what it says on stderr as it comes
 * @returns {Promise<Outcome>} never rejects
 */
export function run(command, args, how) {
  return new Promise((resolve) => {
    // A group of its own, so that what it starts (a shell, a compiler) ends with it.
    const child = spawn(command, args, {
      cwd: how.cwd,
      env: how.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const stdout = tail();
    const both = tail();
    let late = false;
    const end = () => endGroup(child.pid);
    const forget = onInterrupt(end);
    const limit = setTimeout(() => {
      late = true;
      end();
    }, how.seconds * 1000);

    /** @param {boolean} ok @param {string} [trouble] */
    const done = (ok, trouble) => {
      clearTimeout(limit);
      forget();
      const words = [both.text(), trouble].filter(Boolean).join("\n");
      resolve({ ok, stdout: stdout.text(), output: words });
    };
    child.stdout.on("data", (chunk) => (stdout.add(chunk), both.add(chunk)));
    child.stderr.on("data", (chunk) => (both.add(chunk), how.onStderr?.(chunk)));
    child.on("error", (error) => done(false, error.message));
    child.on("close", (code, signal) => {
      if (late) return done(false, `gave up after ${how.seconds} s`);
      done(code === 0, signal ? `ended by ${signal}` : undefined);
    });
  });
}

/** @param {number | undefined} pid */
function endGroup(pid) {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function tail() {
  let kept = Buffer.alloc(0);
  return {
    /** @param {Buffer} chunk */
    add(chunk) {
      kept = Buffer.concat([kept, chunk]).subarray(-KEEP);
    },
    text: () => kept.toString("utf8").trim(),
  };
}

/**
 * @param {string} output
 * @param {number} count
 * @returns {string} its last lines that are not empty, indented for a message
 */
export function lastLines(output, count) {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  return lines
    .slice(-count)
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}
