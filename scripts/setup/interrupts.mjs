// What happens on Ctrl-C or a polite kill while the set-up works: nothing half-done may look whole afterwards.

const SIGNALS = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);

/** @type {Set<() => void>} */
const undoings = new Set();
/** @type {Promise<unknown> | null} */
let unbreakable = null;
let interrupted = false;

/**
 * Remembers what to undo if the set-up is interrupted.
 * @param {() => void} undo synchronous
 * @returns {() => void} forgets it again, when the work is done
 */
export function onInterrupt(undo) {
  undoings.add(undo);
  return () => void undoings.delete(undo);
}

/**
 * For work that must not be cut in the middle, such as a package manager's: an interruption waits for its end.
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
export async function uninterruptible(work) {
  unbreakable = work;
  try {
    return await work;
  } finally {
    unbreakable = null;
  }
}

/**
 * Starts to listen for signals.
 * @returns {() => void} stops it, for the program that takes over
 */
export function watchForInterrupts() {
  const remove = () => SIGNALS.forEach((signal) => process.removeListener(signal, stop));
  /** @param {NodeJS.Signals} signal */
  const stop = (signal) => {
    if (interrupted) return;
    interrupted = true;
    if (unbreakable)
      process.stderr.write("set-up: stopping as soon as the package manager is done\n");
    void Promise.resolve(unbreakable)
      .catch(() => undefined)
      .then(() => {
        for (const undo of [...undoings].reverse()) undo();
        remove();
        process.kill(process.pid, signal);
      });
  };
  SIGNALS.forEach((signal) => process.on(signal, stop));
  return remove;
}
