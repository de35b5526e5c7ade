// Runs the test files of one job in a mocha process.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isTestPath } from "./command-line.mjs";
import { formatSeconds } from "./progress.mjs";
import { captureNode, runInherited } from "./run-node.mjs";
import { closingLine, totalsOf } from "./totals.mjs";

/** @typedef {import("./test-jobs.mjs").Job} Job */
/** @typedef {import("./totals.mjs").Totals} Totals */

/** What the reporter writes when mocha ends. @typedef {Totals & { failures: string[], files: Record<string, number> }} Report */

/**
 * @typedef {object} Outcome
 * @property {Job} job
 * @property {Totals} totals
 * @property {string[]} failures titles of failed tests, each with the first lines of its error
 * @property {Record<string, number>} durations seconds by file, of files that ran completely
 */

/** A job that takes longer than this, and several times longer than before, is stuck. */
const LEAST_DEADLINE_S = 1800;

/** Ends the whole run, without totals: some tests did not run. */
export class Interruption extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(signal);
    this.signal = signal;
  }
}

/**
 * @param {Job} job
 * @param {import("./run-tests.mjs").Run} run
 * @param {string} folder for its report and configuration
 * @param {boolean} live print output as it comes; otherwise when the job has ended
 * @returns {Promise<Outcome>}
 */
export async function runMocha(job, { root, env, request }, folder, live) {
  const id = job.name.replaceAll(/\W+/g, "-");
  const report = join(folder, `${id}.json`);
  const args = [
    join(root, "node_modules", "mocha", "bin", "mocha.js"),
    ...["--config", writeConfig(root, join(folder, `${id}-mocharc.json`), job)],
    ...["--reporter", join(root, "test", "support", "reporter.ts")],
    ...request.args.filter((word) => !isTestPath(word)),
    ...job.files,
  ];
  const started = Date.now();
  const where = { cwd: root, env: { ...env, TEST_REPORT_FILE: report } };
  if (live) process.stdout.write(`\n== ${job.name}\n`);
  const deadlineSeconds = Math.max(LEAST_DEADLINE_S, 3 * job.seconds);
  const ended = live
    ? { ...(await runInherited(args, where)), output: "" }
    : await captureNode(args, { ...where, deadlineSeconds });
  const seconds = (Date.now() - started) / 1000;
  /** @type {Report | null} */
  const reported = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : null;
  const totals = totalsOf(reported, ended.code === 0);
  if (!live)
    process.stdout.write(
      `\n== ${job.name}: ${closingLine(totals)}, ${formatSeconds(seconds)}\n${ended.output}`,
    );
  if (ended.interruption !== null) throw new Interruption(ended.interruption);
  if (reported === null)
    process.stdout.write(`${job.name} ended without a report (${ended.how}).\n`);
  const [file] = job.files;
  const isOneFile = job.files.length === 1 && file !== undefined;
  return {
    job,
    totals,
    failures:
      totals.failed > 0 && (reported?.failures.length ?? 0) === 0
        ? [`${job.name} (${ended.how})`]
        : (reported?.failures ?? []),
    durations:
      totals.failed > 0
        ? {}
        : isOneFile
          ? { [file]: Math.round(seconds) }
          : (reported?.files ?? {}),
  };
}

/**
 * Writes the suite's configuration without `spec`, which mocha would add to the files on its command line.
 * @param {string} root
 * @param {string} file the file to write
 * @param {Job} job
 * @returns {string} the file
 */
function writeConfig(root, file, { suite }) {
  const suites = join(root, suite === "unit" ? ".mocharc.json" : `test/${suite}/.mocharc.json`);
  const settings = JSON.parse(readFileSync(suites, "utf8"));
  writeFileSync(file, JSON.stringify({ ...settings, spec: undefined, ignore: undefined }));
  return file;
}
