// Counting the tests of several runs. Pure.

/**
 * @typedef {object} Totals
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/**
 * What a run of mocha counts for: a run that ended badly without a failed test (a file that does not load,
 * a crash) is a failure all the same.
 * @param {Totals | null} reported null when it ended before it could report
 * @param {boolean} endedWell exit code 0
 * @returns {Totals}
 */
export function totalsOf(reported, endedWell) {
  const totals = reported ?? { passed: 0, failed: 0, skipped: 0 };
  const isUnexplained = totals.failed === 0 && (!endedWell || reported === null);
  return isUnexplained ? { ...totals, failed: 1 } : totals;
}

/** @param {Totals[]} runs @returns {Totals} */
export function sum(runs) {
  const add = (/** @type {keyof Totals} */ key) => runs.reduce((total, one) => total + one[key], 0);
  return { passed: add("passed"), failed: add("failed"), skipped: add("skipped") };
}

/** @param {Totals} totals @returns {string} the closing line */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** Whether it may be called a success: something ran and nothing failed. @param {Totals} totals */
export function isSuccess({ passed, failed }) {
  return failed === 0 && passed > 0;
}
