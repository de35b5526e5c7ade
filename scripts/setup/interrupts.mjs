// Cleans up when the set-up is interrupted by a signal.

/** Signals that ask a program to end. */
export const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** @type {Set<() => void>} */
const cleanups = new Set();
/** @type {Promise<unknown> | null} */
let uninterruptibleWork = null;
let interrupted = false;

/**
 * Registers a cleanup for the case that the set-up is interrupted.
 * @param {() => void} cleanup synchronous
 * @returns {() => void} unregisters it
 */
export function onInterrupt(cleanup) {
  cleanups.add(cleanup);
  return () => void cleanups.delete(cleanup);
}

/**
 * Delays an interruption until the work is done. For a package manager, which must not be killed halfway.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
export async function uninterruptible(work) {
  uninterruptibleWork = work;
  try {
    return await work;
  } finally {
    uninterruptibleWork = null;
  }
}

/**
 * Handles signals from now on: runs the cleanups, latest first, then ends this process with the signal.
 * @returns {() => void} removes the handlers, before another program is started
 */
export function watchForInterrupts() {
  const remove = () => SIGNALS.forEach((signal) => process.off(signal, stop));
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    if (interrupted) return;
    interrupted = true;
    if (uninterruptibleWork)
      process.stderr.write("set-up: stopping as soon as the package manager is done\n");
    void Promise.resolve(uninterruptibleWork)
      .catch(() => undefined)
      .then(() => {
        for (const cleanup of [...cleanups].reverse()) cleanup();
        remove();
        process.kill(process.pid, signal);
      });
  };
  SIGNALS.forEach((signal) => process.on(signal, stop));
  return remove;
}
