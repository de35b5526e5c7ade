// Runs test files in parallel mocha processes and prints the totals of all of them at the end.
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, constants, tmpdir } from "node:os";
import { join } from "node:path";
import { clearInterval, setInterval } from "node:timers";
import { isTestPath } from "./command-line.mjs";
import { readDurations, rememberDurations } from "./durations.mjs";
import { SIGNALS } from "./interrupts.mjs";
import { runQueue } from "./job-queue.mjs";
import { formatSeconds, log } from "./progress.mjs";
import { Interruption, runMocha } from "./run-mocha.mjs";
import { allTestFiles, jobsFor, selectFiles } from "./test-jobs.mjs";
import { closingLine, isSuccess, sum } from "./totals.mjs";

/** @typedef {import("./test-jobs.mjs").Job} Job */
/** @typedef {import("./totals.mjs").Totals} Totals */

/**
 * @typedef {object} Run
 * @property {string} root the project's folder
 * @property {NodeJS.ProcessEnv} env
 * @property {import("./command-line.mjs").Request} request
 * @property {Obstacles} obstacles
 */

/**
 * Why a suite cannot run here; null: it can. `leftOut`: the user did not ask for the suite, so its files count as skipped
 * instead of failed.
 * @typedef {{ lab: string | null, vm: string | null, leftOut: boolean }} Obstacles
 */

/** @typedef {import("./run-mocha.mjs").Outcome} Outcome */

const SECONDS_BETWEEN_LINES = 30;
const SLOWEST = 10;
/** Limits the memory that parallel jobs need on a machine with many cores. */
const MOST_CORES = 8;

/** @param {Run} run @returns {Promise<number>} the exit code */
export async function runTests(run) {
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-tests-"));
  try {
    const { root, request } = run;
    const files = selectFiles(allTestFiles(root), request);
    const { jobs, stopped } = withoutObstacles(jobsFor(files, readDurations(root)), run.obstacles);
    const outcomes = await runJobs(jobs, run, folder);
    const exitCode = conclude(outcomes, stopped);
    saveDurations(outcomes, run);
    return exitCode;
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    process.stdout.write("Interrupted: the tests did not finish.\n");
    return 128 + constants.signals[error.signal];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A suite that cannot run. @typedef {{ message: string, totals: Totals }} Stopped */

/**
 * @param {Job[]} jobs
 * @param {Obstacles} obstacles
 * @returns {{ jobs: Job[], stopped: Stopped[] }} the jobs that can run, and the suites that cannot
 */
function withoutObstacles(jobs, obstacles) {
  /** @type {Stopped[]} */
  const stopped = [];
  for (const suite of /** @type {const} */ (["lab", "vm"])) {
    const obstacle = obstacles[suite];
    const names = jobs.filter((job) => job.suite === suite).map((job) => job.name);
    if (obstacle === null || names.length === 0) continue;
    const count = names.length;
    const verdict = obstacles.leftOut ? "LEFT OUT" : "FAILED";
    const message = `${verdict}: the ${suite} tests cannot run here (${names.join(", ")}).\n${obstacle}`;
    const nothing = { passed: 0, failed: 0, skipped: 0 };
    stopped.push({
      message,
      totals: { ...nothing, [obstacles.leftOut ? "skipped" : "failed"]: count },
    });
  }
  const can = jobs.filter((job) => job.suite === "unit" || obstacles[job.suite] === null);
  return { jobs: can, stopped };
}

/** @param {Job[]} jobs @param {Run} run @param {string} folder @returns {Promise<Outcome[]>} */
async function runJobs(jobs, run, folder) {
  const [only] = jobs;
  if (only !== undefined && jobs.length === 1) return [await runJob(only, run, folder, true)];
  const started = Date.now();
  /** @type {Map<string, number>} */
  const running = new Map();
  let done = 0;
  const progress = () => {
    const names = [...running].map(
      ([name, since]) => `${shortName(name)} ${formatSeconds((Date.now() - since) / 1000)}`,
    );
    process.stdout.write(
      `-- ${done} of ${jobs.length} done after ${formatSeconds((Date.now() - started) / 1000)}; running: ${names.join(", ")}\n`,
    );
  };
  const ticker = setInterval(progress, SECONDS_BETWEEN_LINES * 1000);
  const watch = watchForInterruption();
  try {
    const capacity = 100 * Math.min(availableParallelism(), MOST_CORES);
    return await runQueue(jobs, capacity, async (job) => {
      watch.throwIfInterrupted();
      running.set(job.name, Date.now());
      const outcome = await runJob(job, run, folder, false);
      running.delete(job.name);
      done++;
      return outcome;
    });
  } finally {
    watch.stop();
    clearInterval(ticker);
  }
}

/** Catches a signal also between two jobs, when no mocha process would receive it. */
function watchForInterruption() {
  /** @type {NodeJS.Signals | null} */
  let received = null;
  /** @param {NodeJS.Signals} signal */
  const listener = (signal) => {
    received = signal;
  };
  SIGNALS.forEach((signal) => process.on(signal, listener));
  return {
    throwIfInterrupted() {
      if (received !== null) throw new Interruption(received);
    },
    stop() {
      SIGNALS.forEach((signal) => process.off(signal, listener));
    },
  };
}

/** @param {string} name */
function shortName(name) {
  return name.replace(/^test\//, "").replace(/\.test\.ts$/, "");
}

/**
 * @param {Job} job
 * @param {Run} run
 * @param {string} folder
 * @param {boolean} live print output as it comes; otherwise when the job has ended
 * @returns {Promise<Outcome>}
 */
async function runJob(job, run, folder, live) {
  try {
    return await runMocha(job, run, folder, live);
  } catch (error) {
    if (error instanceof Interruption) throw error;
    const message = error instanceof Error ? error.message : String(error);
    process.stdout.write(`\n== ${job.name} could not run: ${message}\n`);
    const totals = { passed: 0, failed: 1, skipped: 0 };
    return { job, totals, failures: [`${job.name} (${message})`], durations: {} };
  }
}

/**
 * Prints the failures, the slowest files, what was left out, and the closing line.
 * @param {Outcome[]} outcomes
 * @param {Stopped[]} stopped
 * @returns {number} the exit code
 */
function conclude(outcomes, stopped) {
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  if (failures.length > 0)
    process.stdout.write(`\nFailed:\n${failures.map((title) => `  ${title}`).join("\n")}\n`);
  const slowest = outcomes
    .flatMap((outcome) => Object.entries(outcome.durations))
    .sort(([, a], [, b]) => b - a)
    .slice(0, SLOWEST);
  if (slowest.length > 1) {
    const lines = slowest.map(
      ([file, seconds]) => `  ${formatSeconds(seconds).padEnd(12)} ${file}`,
    );
    process.stdout.write(`\nThe ${slowest.length} slowest files:\n${lines.join("\n")}\n`);
  }
  for (const { message } of stopped) process.stdout.write(`\n${message}\n`);
  const total = sum([...outcomes, ...stopped].map(({ totals }) => totals));
  if (total.passed + total.failed === 0)
    process.stdout.write("No test ran, which counts as a failure.\n");
  process.stdout.write(`\n${closingLine(total)}\n`);
  return isSuccess(total) ? 0 : 1;
}

/**
 * Saves nothing after a run with arguments for mocha, which may select some tests of a file.
 * @param {Outcome[]} outcomes
 * @param {Run} run
 */
function saveDurations(outcomes, { root, request }) {
  if (request.args.some((word) => !isTestPath(word))) return;
  const measured = Object.assign({}, ...outcomes.map((outcome) => outcome.durations));
  try {
    rememberDurations(root, measured, request.saveDurations);
  } catch (error) {
    log(`the durations of the tests were not saved: ${String(error)}`);
  }
}
