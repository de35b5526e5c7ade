// Which test files run, in how many processes, and in what order. Pure, except for listing the files.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isTestPath, suiteOf } from "./command-line.mjs";

/** @typedef {import("./command-line.mjs").Suite} Suite */

/**
 * One mocha process.
 * @typedef {object} Job
 * @property {string} name the file, or which part of the unit tests
 * @property {Suite} suite
 * @property {string[]} files
 * @property {number} seconds how long it is expected to take
 * @property {number} weight percent of a core that it keeps busy
 */

/** Seconds that each file took in an earlier run, by path. @typedef {Record<string, number>} Durations */

/** The lab test of the quick run. */
export const SMOKE_FILE = "test/lab/smoke.test.ts";

/** Seconds assumed for a file without a recorded duration. @type {Record<Suite, number>} */
const UNKNOWN = { unit: 1, lab: 60, vm: 300 };

/**
 * Percent of a core that a file keeps busy. An emulated machine is slow, but a push to it has its usual time limits, so few run
 * at once: on two cores, two of them and one lab file, or test/vm/faults, which has two machines, and one lab file.
 * @type {Record<Suite, number>}
 */
const WEIGHTS = { unit: 60, lab: 35, vm: 80 };
/** Measured. Files that are close to their suite's weight are not listed. @type {Record<string, number>} */
const HEAVY = {
  // Two machines.
  "test/vm/faults.test.ts": 160,
  // 51 hosts with traffic.
  "test/lab/faults/many-hosts.test.ts": 120,
  "test/lab/moves-together.test.ts": 90,
  "test/lab/faults/killed-moves-together.test.ts": 75,
  "test/lab/rotate-command.test.ts": 70,
  "test/lab/faults/engine-killed.test.ts": 55,
  "test/lab/faults/killed-moves.test.ts": 55,
  "test/lab/rotate-relays.test.ts": 55,
  "test/lab/two-stacks-page.test.ts": 55,
};

/** More than the two cores of the smallest supported machine, because a part often waits for programs that it starts. */
const UNIT_PARTS = 4;

/** @param {string} root @returns {string[]} every test file of the repository, sorted */
export function allTestFiles(root) {
  return readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
    .map((path) => join("test", path))
    .filter((path) => path.endsWith(".test.ts"))
    .sort();
}

/**
 * @param {string[]} all every test file
 * @param {import("./command-line.mjs").Request} request
 * @returns {string[]} the files that the request selects
 */
export function selectFiles(all, { tests, args }) {
  switch (tests) {
    case "all":
      return all;
    case "quick":
      return all.filter((file) => suiteOf(file) === "unit" || file === SMOKE_FILE);
    case "files":
      return all.filter((file) => args.filter(isTestPath).some((path) => isWithin(file, path)));
    default:
      return all.filter((file) => suiteOf(file) === tests);
  }
}

/** @param {string} file @param {string} path a file or a folder below test/ */
function isWithin(file, path) {
  const wanted = path.replace(/^\.\//, "").replace(/\/$/, "");
  return file === wanted || file.startsWith(`${wanted}/`);
}

/**
 * Each end-to-end file is a job of its own; the unit tests are split into jobs of similar length. The job with the most
 * work is first, so that no long job starts at the end, and a heavy one does not wait for small ones that overtake it.
 * @param {string[]} files
 * @param {Durations} durations
 * @returns {Job[]}
 */
export function jobsFor(files, durations) {
  const secondsOf = (/** @type {string} */ file) => durations[file] ?? UNKNOWN[suiteOf(file)];
  const unit = split(
    files.filter((file) => suiteOf(file) === "unit"),
    secondsOf,
    UNIT_PARTS,
  ).map((part, index, parts) => ({
    name: part.length === 1 ? String(part[0]) : `unit tests, part ${index + 1} of ${parts.length}`,
    suite: /** @type {Suite} */ ("unit"),
    files: part,
    seconds: sumOf(part, secondsOf),
    weight: WEIGHTS.unit,
  }));
  const single = files
    .filter((file) => suiteOf(file) !== "unit")
    .map((file) => ({
      name: file,
      suite: suiteOf(file),
      files: [file],
      seconds: secondsOf(file),
      weight: HEAVY[file] ?? WEIGHTS[suiteOf(file)],
    }));
  const work = (/** @type {Job} */ { seconds, weight }) => seconds * weight;
  return [...unit, ...single].sort((a, b) => work(b) - work(a) || (a.name < b.name ? -1 : 1));
}

/**
 * Splits files into parts of similar length: the longest file first, each into the shortest part so far.
 * @param {string[]} files
 * @param {(file: string) => number} secondsOf
 * @param {number} count
 * @returns {string[][]} without empty parts; each part sorted
 */
function split(files, secondsOf, count) {
  /** @type {string[][]} */
  const parts = Array.from({ length: count }, () => []);
  const longestFirst = [...files].sort((a, b) => secondsOf(b) - secondsOf(a) || (a < b ? -1 : 1));
  for (const file of longestFirst) {
    const [shortest] = [...parts].sort((a, b) => sumOf(a, secondsOf) - sumOf(b, secondsOf));
    shortest?.push(file);
  }
  return parts.filter((part) => part.length > 0).map((part) => part.sort());
}

/** @param {string[]} files @param {(file: string) => number} secondsOf */
function sumOf(files, secondsOf) {
  return files.reduce((sum, file) => sum + secondsOf(file), 0);
}
