// Runs the unit tests, the lab's, the virtual machines', each in a mocha of its own, and closes with one line over all.
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { isTestFile, suiteOf } from "./command-line.mjs";
import { handOver } from "./hand-over.mjs";
import { closingLine, isGood, sum, totalsOf } from "./totals.mjs";

/** @typedef {import("./totals.mjs").Totals} Totals */

/**
 * @param {object} job
 * @param {string} job.root the project's folder
 * @param {NodeJS.ProcessEnv} job.env
 * @param {import("./command-line.mjs").Request} job.request
 * @param {string | null} job.labObstacle why the lab cannot run here, for people
 * @param {string | null} job.vmObstacle why its virtual machines cannot
 * @returns {Promise<number>} the exit code
 */
export async function runTests(job) {
  const folder = mkdtempSync(join(tmpdir(), "wireguard-mesh-tests-"));
  try {
    const runs = [];
    for (const suite of suitesOf(job, folder)) runs.push(await suite());
    const total = sum(runs);
    if (total.passed + total.failed === 0) {
      process.stdout.write("No test ran, which counts as a failure.\n");
    }
    process.stdout.write(`${closingLine(total)}\n`);
    return isGood(total) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof Interruption)) throw error;
    process.stdout.write("Interrupted: the tests did not finish.\n");
    return 128 + constants.signals[error.signal];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** After Ctrl-C mocha ends as if all were well; no further suite may start then, and nothing is counted. */
class Interruption extends Error {
  /** @param {NodeJS.Signals} signal */
  constructor(signal) {
    super(signal);
    this.signal = signal;
  }
}

/**
 * @param {Parameters<typeof runTests>[0]} job
 * @param {string} folder
 * @returns {(() => Totals | Promise<Totals>)[]}
 */
function suitesOf({ root, env, request, labObstacle, vmObstacle }, folder) {
  /** @param {import("./command-line.mjs").Suite} name @param {string} config @param {string | null} obstacle */
  const suite = (name, config, obstacle) => () =>
    obstacle === null
      ? mocha({ root, env, folder, name, config, args: argsFor(request.args, name) })
      : failed(name, obstacle);
  const lab = {
    run: () => [suite("lab", "test/lab/.mocharc.json", labObstacle)],
    skip: () => [() => skippedLab(root)],
    "leave out": () => [],
  };
  return [
    ...(request.unitTests ? [suite("unit", ".mocharc.json", null)] : []),
    ...lab[request.labTests](),
    ...(request.vmTests ? [suite("vm", "test/vm/.mocharc.json", vmObstacle)] : []),
  ];
}

/**
 * Without the test files that belong to other suites.
 * @param {string[]} args
 * @param {import("./command-line.mjs").Suite} suite
 */
function argsFor(args, suite) {
  return args.filter((word) => !isTestFile(word) || suiteOf(word) === suite);
}

/**
 * @param {{ root: string, env: NodeJS.ProcessEnv, folder: string, name: string, config: string, args: string[] }} run
 * @returns {Promise<Totals>}
 */
async function mocha({ root, env, folder, name, config, args }) {
  process.stdout.write(`\n== ${name} tests\n`);
  const report = join(folder, `${name}-totals.json`);
  const program = join(root, "node_modules", "mocha", "bin", "mocha.js");
  const reporter = join(root, "test", "support", "reporter.ts");
  const ended = await handOver(
    [
      program,
      "--config",
      configFor(root, folder, name, config, args),
      "--reporter",
      reporter,
      ...args,
    ],
    { cwd: root, env: { ...env, TEST_TOTALS_FILE: report } },
  );
  if (ended.interruption !== null) throw new Interruption(ended.interruption);
  const reported = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : null;
  if (reported === null)
    process.stdout.write(`The ${name} tests ended before they could report (${ended.how}).\n`);
  return totalsOf(reported, ended.code === 0);
}

/**
 * mocha adds files on its command line to those of its configuration; whoever names files wants just those.
 * @param {string} root
 * @param {string} folder for a configuration of our own
 * @param {string} name
 * @param {string} config
 * @param {string[]} args
 */
function configFor(root, folder, name, config, args) {
  const file = join(root, config);
  if (!args.some(isTestFile)) return file;
  const settings = JSON.parse(readFileSync(file, "utf8"));
  const own = join(folder, `${name}-mocharc.json`);
  writeFileSync(own, JSON.stringify({ ...settings, spec: undefined, ignore: undefined }));
  return own;
}

/** @param {import("./command-line.mjs").Suite} name @param {string} obstacle @returns {Totals} */
function failed(name, obstacle) {
  const without = name === "vm" ? "npm test" : "npm test -- --skip-lab";
  process.stdout.write(`\n== ${name} tests\nThey did not run, which counts as a failure.\n`);
  process.stdout.write(`${obstacle}\n  To leave them out on purpose: ${without}\n`);
  return { passed: 0, failed: 1, skipped: 0 };
}

/** @param {string} root @returns {Totals} each file of the lab's tests counts as one */
function skippedLab(root) {
  const lab = join(root, "test", "lab");
  const files = existsSync(lab)
    ? readdirSync(lab, { recursive: true }).filter((path) => String(path).endsWith(".test.ts"))
    : [];
  process.stdout.write(
    `\n== lab tests\nSKIPPED, as --skip-lab says: ${files.length} files of end-to-end tests did NOT run.\n`,
  );
  return { passed: 0, failed: 0, skipped: files.length };
}
