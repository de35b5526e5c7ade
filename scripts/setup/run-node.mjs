// Runs Node scripts as child processes: with this terminal, or with their output captured.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { clearTimeout, setTimeout } from "node:timers";
import { killGroup } from "./child.mjs";
import { SIGNALS } from "./interrupts.mjs";

const OUTPUT_GRACE_MS = 2000;
const HOOKS_GRACE_SECONDS = 60;

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */

/**
 * @typedef {object} Ended
 * @property {number} code the exit code; 128 + N after signal N, as in a shell
 * @property {NodeJS.Signals | null} signal that ended the child
 * @property {NodeJS.Signals | null} interruption the signal that this process received meanwhile
 * @property {string} how the child ended, for messages
 */

/**
 * Runs a script with this process's stdin, stdout and stderr, and forwards signals to it.
 * @param {string[]} args for node: the script and its arguments
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, quiet?: boolean, node?: string }} options
 *   quiet: discard stdout; node: path of the executable, default this process's own
 * @returns {Promise<Ended>}
 */
export function runInherited(args, { cwd, env, quiet = false, node = process.execPath }) {
  const stdout = quiet ? "ignore" : "inherit";
  const child = spawn(node, args, { cwd, env, stdio: ["inherit", stdout, "inherit"] });
  return waitFor(child, (signal) => {
    // A terminal sends Ctrl-C to the child too; after a second one the engine cancels without cleaning up.
    if (signal !== "SIGINT" || !hasTerminal()) child.kill(signal);
  });
}

function hasTerminal() {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

/**
 * Runs mocha without stdin and returns its output. SIGINT, SIGTERM and SIGHUP reach it as a single SIGINT, on which it can
 * run its `after` hooks. It has its own process group, because a terminal, CI and `kill -- -PGID` signal the whole group.
 * @param {string[]} args for node: the script and its arguments
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, graceSeconds?: number, deadlineSeconds?: number }} options
 *   graceSeconds: between SIGINT and SIGKILL, default 60; deadlineSeconds: after which it is interrupted, default none
 * @returns {Promise<Ended & { output: string }>} output: stdout and stderr
 */
export async function captureNode(args, options) {
  const { cwd, env, graceSeconds = HOOKS_GRACE_SECONDS, deadlineSeconds } = options;
  const child = spawn(process.execPath, args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  /** @type {Buffer[]} */
  const pieces = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (/** @type {Buffer} */ piece) => pieces.push(piece));

  /** @type {NodeJS.Timeout | undefined} */
  let kill;
  const interrupt = () => {
    // npm repeats the terminal's Ctrl-C.
    if (kill !== undefined) return;
    child.kill("SIGINT");
    kill = setTimeout(() => killGroup(child.pid), graceSeconds * 1000);
  };
  const isLate = () => {
    pieces.push(Buffer.from(`\ninterrupted after ${deadlineSeconds} s: it seems to be stuck\n`));
    interrupt();
  };
  const deadline =
    deadlineSeconds === undefined ? undefined : setTimeout(isLate, deadlineSeconds * 1000);
  try {
    const ended = await waitFor(child, interrupt);
    return { ...ended, output: Buffer.concat(pieces).toString("utf8") };
  } finally {
    clearTimeout(kill);
    clearTimeout(deadline);
  }
}

/**
 * @param {ChildProcess} child
 * @param {(signal: NodeJS.Signals) => void} onSignal called for each signal that this process receives meanwhile
 * @returns {Promise<Ended>} rejects when the child cannot be started
 */
function waitFor(child, onSignal) {
  return new Promise((resolve, reject) => {
    /** @type {NodeJS.Signals | null} */
    let interruption = null;
    /** @param {NodeJS.Signals} signal */
    const listener = (signal) => {
      interruption = signal;
      onSignal(signal);
    };
    const stopListening = () => SIGNALS.forEach((signal) => process.off(signal, listener));
    SIGNALS.forEach((signal) => process.on(signal, listener));

    child.on("error", (error) => (stopListening(), reject(error)));
    child.on("exit", (code, signal) => {
      stopListening();
      const ended = {
        code: code ?? 128 + constants.signals[signal ?? "SIGTERM"],
        signal,
        interruption,
        how: signal ? `ended by ${signal}` : `exit code ${code}`,
      };
      // Wait for output that is still in the pipe, but not for descendants that keep the pipe open.
      const late = setTimeout(() => resolve(ended), OUTPUT_GRACE_MS);
      child.on("close", () => (clearTimeout(late), resolve(ended)));
    });
  });
}
