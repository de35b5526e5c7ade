// The set-up's log. It goes to stderr, because stdout belongs to the command that is started afterwards.
import { clearInterval, setInterval } from "node:timers";

const SECONDS_BETWEEN_LINES = 15;

/** @param {string} line */
export function log(line) {
  process.stderr.write(`set-up: ${line}\n`);
}

/**
 * Logs the start of a long task, its progress every 15 s, and its duration.
 * @template T
 * @param {string} what a phrase like "installing the npm packages"
 * @param {() => Promise<T>} work
 * @param {() => string} [detail] appended to the progress lines
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
  const rounded = Math.round(seconds);
  return rounded < 60 ? `${rounded} s` : `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
}
