// Runs test files in parallel mocha processes and prints the totals of all of them at the end.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, constants, tmpdir } from "node:os";
import { join } from "node:path";
import { clearInterval, setInterval } from "node:timers";
import { isTestFile } from "./command-line.mjs";
import { readDurations, rememberDurations } from "./durations.mjs";
import { runQueue } from "./job-queue.mjs";
import { captureNode, runInherited } from "./run-node.mjs";
import { formatSeconds } from "./progress.mjs";
import { allTestFiles, jobsFor, selectFiles } from "./test-jobs.mjs";
import { closingLine, isSuccess, sum, totalsOf } from "./totals.mjs";

/** @typedef {import("./test-jobs.mjs").Job} Job */
/** @typedef {import("./totals.mjs").Totals} Totals */

/** The file that the reporter writes when mocha ends. @typedef {Totals & { failures: string[], files: Record<string, number> }} Report */

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

/**
 * @typedef {object} Outcome
 * @property {Job} job
 * @property {Totals} totals
 * @property {string[]} failures titles of failed tests
 * @property {Record<string, number>} durations seconds by file
 */

const SECONDS_BETWEEN_LINES = 30;
const SLOWEST = 10;

/**
 * Percent of a core that a job keeps busy. On two cores, only one file of virtual machines runs at a time: an emulated machine
 * is slow, but a push to it has the usual time limits.
 */
const WEIGHTS = { unit: 100, lab: 40, vm: 120 };

/** @param {Run} run @returns {Promise<number>} the exit code */
export async function runTests(run) {
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-tests-"));
  try {
    const { root, request } = run;
    const durations = readDurations(root);
    const files = selectFiles(allTestFiles(root), request);
    const { jobs, totals } = withoutObstacles(jobsFor(files, durations), run.obstacles);
    const outcomes = await runJobs(jobs, run, folder);
    const measured = Object.assign({}, ...outcomes.map((outcome) => outcome.durations));
    rememberDurations(root, measured, request.saveDurations);
    return conclude(
      outcomes,
      measured,
      sum([...totals, ...outcomes.map(({ totals: one }) => one)]),
    );
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    process.stdout.write("Interrupted: the tests did not finish.\n");
    return 128 + constants.signals[error.signal];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends the whole run, without totals: some tests did not run. */
class Interruption extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(signal);
    this.signal = signal;
  }
}

/**
 * @param {Job[]} jobs
 * @param {Obstacles} obstacles
 * @returns {{ jobs: Job[], totals: Totals[] }} the jobs that can run, and the totals of the others
 */
function withoutObstacles(jobs, obstacles) {
  /** @type {Totals[]} */
  const totals = [];
  for (const suite of /** @type {const} */ (["lab", "vm"])) {
    const obstacle = obstacles[suite];
    const stopped = jobs.filter((job) => job.suite === suite);
    if (obstacle === null || stopped.length === 0) continue;
    const names = stopped.map((job) => `  ${job.name}`).join("\n");
    process.stdout.write(
      `\n== ${obstacles.leftOut ? "LEFT OUT" : "FAILED"}: the ${suite} tests cannot run here.\n${obstacle}\n${names}\n`,
    );
    totals.push(
      obstacles.leftOut
        ? { passed: 0, failed: 0, skipped: stopped.length }
        : { passed: 0, failed: stopped.length, skipped: 0 },
    );
  }
  const runnable = jobs.filter((job) => job.suite === "unit" || obstacles[job.suite] === null);
  return { jobs: runnable, totals };
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
  try {
    const weighted = jobs.map((job) => ({ job, weight: WEIGHTS[job.suite] }));
    return await runQueue(weighted, 100 * availableParallelism(), async ({ job }) => {
      running.set(job.name, Date.now());
      const outcome = await runJob(job, run, folder, false);
      running.delete(job.name);
      done++;
      return outcome;
    });
  } finally {
    clearInterval(ticker);
  }
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
async function runJob(job, { root, env, request }, folder, live) {
  const report = join(folder, `${job.name.replaceAll(/\W+/g, "-")}.json`);
  const args = [
    join(root, "node_modules", "mocha", "bin", "mocha.js"),
    ...["--config", configFor(root, folder, job)],
    ...["--reporter", join(root, "test", "support", "reporter.ts")],
    ...request.args.filter((word) => !isTestFile(word)),
    ...job.files,
  ];
  const started = Date.now();
  const where = { cwd: root, env: { ...env, TEST_REPORT_FILE: report } };
  if (live) process.stdout.write(`\n== ${job.name}\n`);
  const ended = live
    ? { ...(await runInherited(args, where)), output: "" }
    : await captureNode(args, where);
  if (ended.interruption !== null) throw new Interruption(ended.interruption);
  const seconds = (Date.now() - started) / 1000;
  /** @type {Report | null} */
  const reported = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : null;
  const totals = totalsOf(reported, ended.code === 0);
  if (!live)
    process.stdout.write(
      `\n== ${job.name}: ${closingLine(totals)}, ${formatSeconds(seconds)}\n${ended.output}`,
    );
  if (reported === null)
    process.stdout.write(`${job.name} ended before it could report (${ended.how}).\n`);
  const [file] = job.files;
  const isOneFile = job.files.length === 1 && file !== undefined;
  return {
    job,
    totals,
    failures:
      totals.failed > 0 && (reported?.failures.length ?? 0) === 0
        ? [`${job.name} (${ended.how})`]
        : (reported?.failures ?? []),
    durations: isOneFile ? { [file]: Math.round(seconds) } : (reported?.files ?? {}),
  };
}

/**
 * Writes the suite's configuration without `spec`, which mocha would add to the files on its command line.
 * @param {string} root
 * @param {string} folder
 * @param {Job} job
 */
function configFor(root, folder, { suite }) {
  const file = join(root, suite === "unit" ? ".mocharc.json" : `test/${suite}/.mocharc.json`);
  const settings = JSON.parse(readFileSync(file, "utf8"));
  const own = join(folder, `${suite}-mocharc.json`);
  writeFileSync(own, JSON.stringify({ ...settings, spec: undefined, ignore: undefined }));
  return own;
}

/**
 * @param {Outcome[]} outcomes
 * @param {Record<string, number>} durations
 * @param {Totals} total
 * @returns {number} the exit code
 */
function conclude(outcomes, durations, total) {
  const failures = outcomes.flatMap((outcome) => outcome.failures);
  if (failures.length > 0)
    process.stdout.write(`\nFailed:\n${failures.map((title) => `  ${title}`).join("\n")}\n`);
  const slowest = Object.entries(durations)
    .sort(([, a], [, b]) => b - a)
    .slice(0, SLOWEST);
  if (slowest.length > 1) {
    const lines = slowest.map(
      ([file, seconds]) => `  ${formatSeconds(seconds).padEnd(12)} ${file}`,
    );
    process.stdout.write(`\nThe ${slowest.length} slowest files:\n${lines.join("\n")}\n`);
  }
  if (total.passed + total.failed === 0)
    process.stdout.write("No test ran, which counts as a failure.\n");
  process.stdout.write(`${closingLine(total)}\n`);
  return isSuccess(total) ? 0 : 1;
}
