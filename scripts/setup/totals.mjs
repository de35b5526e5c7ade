// Sums up the test counts of several mocha processes. Pure.

/**
 * @typedef {object} Totals
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/**
 * The counts of one mocha process. A non-zero exit code without a failed test (a file that does not load, a crash)
 * counts as one failure, and so does a missing report.
 * @param {Totals | null} reported null if it wrote no report
 * @param {boolean} succeeded exit code 0
 * @returns {Totals}
 */
export function totalsOf(reported, succeeded) {
  const totals = reported ?? { passed: 0, failed: 0, skipped: 0 };
  const isUnexplained = totals.failed === 0 && (!succeeded || reported === null);
  return isUnexplained ? { ...totals, failed: 1 } : totals;
}

/** @param {Totals[]} runs @returns {Totals} */
export function sum(runs) {
  const add = (/** @type {keyof Totals} */ key) => runs.reduce((total, one) => total + one[key], 0);
  return { passed: add("passed"), failed: add("failed"), skipped: add("skipped") };
}

/** @param {Totals} totals @returns {string} like `5 passed, 1 failed, 1 skipped` */
export function closingLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/** @param {Totals} totals @returns {boolean} false if a test failed or none ran */
export function isSuccess({ passed, failed }) {
  return failed === 0 && passed > 0;
}
