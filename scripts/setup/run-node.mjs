// Starts the real program in the set-up's place: same terminal, same folder, its exit code is ours.
import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { clearTimeout, setTimeout } from "node:timers";

/** A terminal sends Ctrl-C to the whole group by itself; a second one would make the engine drop everything at once. */
const fromTerminal = () => process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;

const LAST_OUTPUT_MS = 2000;

/**
 * @typedef {object} Ended
 * @property {number} code the exit code, as a shell gives it
 * @property {NodeJS.Signals | null} signal what ended the program, if it was one
 * @property {NodeJS.Signals | null} interruption what was sent to us meanwhile, whatever the program made of it
 * @property {string} how it ended, for messages
 */

/**
 * @param {string[]} args for node: the script and its arguments
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, quiet?: boolean, node?: string }} where quiet: what it says on stdout is
 *   dropped; node: default the running one
 * @returns {Promise<Ended>}
 */
export function runInherited(args, { cwd, env, quiet = false, node = process.execPath }) {
  const stdout = quiet ? "ignore" : "inherit";
  return ending(spawn(node, args, { cwd, env, stdio: ["inherit", stdout, "inherit"] }));
}

/**
 * As runInherited, without input, and with what it prints on stdout and stderr as a result.
 * @param {string[]} args
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} where
 * @returns {Promise<Ended & { output: string }>}
 */
export async function captureNode(args, where) {
  const child = spawn(process.execPath, args, { ...where, stdio: ["ignore", "pipe", "pipe"] });
  /** @type {Buffer[]} */
  const pieces = [];
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (/** @type {Buffer} */ piece) => pieces.push(piece));
  const ended = await ending(child);
  return { ...ended, output: Buffer.concat(pieces).toString("utf8") };
}

/** @param {import("node:child_process").ChildProcess} child @returns {Promise<Ended>} */
function ending(child) {
  return new Promise((resolve, reject) => {
    /** @type {NodeJS.Signals | null} */
    let interruption = null;
    const pass = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]).map((signal) => {
      const listener = () => {
        interruption = signal;
        if (signal !== "SIGINT" || !fromTerminal()) child.kill(signal);
      };
      process.on(signal, listener);
      return () => process.removeListener(signal, listener);
    });
    const stopPassing = () => pass.forEach((stop) => stop());
    child.on("error", (error) => (stopPassing(), reject(error)));
    child.on("exit", (code, signal) => {
      stopPassing();
      const how = signal ? `ended by ${signal}` : `exit code ${code}`;
      const ended = {
        code: code ?? 128 + constants.signals[signal ?? "SIGTERM"],
        signal,
        interruption,
        how,
      };
      // Its last output may still be in the pipe; but a process that it left behind may hold the pipe for ever.
      const late = setTimeout(() => resolve(ended), LAST_OUTPUT_MS);
      child.on("close", () => (clearTimeout(late), resolve(ended)));
    });
  });
}
