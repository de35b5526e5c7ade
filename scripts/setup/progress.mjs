// What the set-up says while it works. All of it goes to stderr: stdout belongs to the command that is being set up.
import { clearInterval, setInterval } from "node:timers";

const SECONDS_BETWEEN_LINES = 15;

/** @param {string} line */
export function log(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/**
 * Announces a long piece of work, repeats the line with the time taken every 15 s, and tells how long it was.
 * @template T
 * @param {string} what a phrase like "installing the npm packages"
 * @param {() => Promise<T>} work
 * @param {() => string} [detail] how far it is, for the repeated line
 * @returns {Promise<T>}
 */
export async function withProgress(what, work, detail = () => "") {
  const started = Date.now();
  const elapsed = () => formatSeconds((Date.now() - started) / 1000);
  log(`${what} …`);
  const ticker = setInterval(() => {
    log(`${what} … ${elapsed()}${detail()}`);
  }, SECONDS_BETWEEN_LINES * 1000);
  try {
    const result = await work();
    if (Date.now() - started > 1000) log(`${what}: ${elapsed()}`);
    return result;
  } finally {
    clearInterval(ticker);
  }
}

/**
 * @param {number} seconds
 * @returns {string} like `45 s` or `3 min 5 s`
 */
export function formatSeconds(seconds) {
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
