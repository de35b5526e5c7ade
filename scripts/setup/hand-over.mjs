// Starts the real program in the set-up's place: same terminal, same folder, its exit code is ours.
import { spawn } from "node:child_process";
import { constants } from "node:os";

/** A terminal sends Ctrl-C to the whole group by itself; a second one would make the engine drop everything at once. */
const fromTerminal = () => process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;

/**
 * @typedef {object} Ended
 * @property {number} code the exit code, as a shell gives it
 * @property {NodeJS.Signals | null} signal what ended the program, if it was one
 * @property {NodeJS.Signals | null} interruption what was sent to us meanwhile, whatever the program made of it
 * @property {string} how it ended, for messages
 */

/**
 * @param {string[]} args for node: the script and its arguments
 * @param {{ cwd: string, env: NodeJS.ProcessEnv, quiet?: boolean }} where quiet: what it says on stdout is dropped
 * @returns {Promise<Ended>}
 */
export function handOver(args, { cwd, env, quiet = false }) {
  return new Promise((resolve, reject) => {
    const stdout = quiet ? "ignore" : "inherit";
    const child = spawn(process.execPath, args, {
      cwd,
      env,
      stdio: ["inherit", stdout, "inherit"],
    });
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
      resolve({
        code: code ?? 128 + constants.signals[signal ?? "SIGTERM"],
        signal,
        interruption,
        how,
      });
    });
  });
}
