// Which test files run, in how many processes, and in what order. Pure, but for reading the list of files.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { isTestFile, suiteOf } from "./command-line.mjs";

/** @typedef {import("./command-line.mjs").Suite} Suite */

/**
 * One mocha process.
 * @typedef {object} Job
 * @property {string} name for people: the file, or which part of the unit tests
 * @property {Suite} suite
 * @property {string[]} files
 * @property {number} seconds how long it is expected to take
 */

/** Seconds that each file took before, by its path. @typedef {Record<string, number>} Durations */

/** The lab's file that stands for all of them where an answer is wanted in minutes. */
export const SMOKE_FILE = "test/lab/smoke.test.ts";

/** For a file that has not run yet. @type {Record<Suite, number>} */
const UNKNOWN = { unit: 1, lab: 60, vm: 300 };

/** Unit tests are all work and no waiting, so there is nothing to gain from more processes than the smallest machine has cores. */
const UNIT_PARTS = 2;

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
 * @returns {string[]} those that it asks for
 */
export function selectFiles(all, { tests, args }) {
  switch (tests) {
    case "all":
      return all;
    case "quick":
      return all.filter((file) => suiteOf(file) === "unit" || file === SMOKE_FILE);
    case "files":
      return args.filter(isTestFile).map((file) => file.replace(/^\.\//, ""));
    default:
      return all.filter((file) => suiteOf(file) === tests);
  }
}

/**
 * Each end-to-end file is a job of its own; the unit tests are a few jobs of about the same length. The longest comes first,
 * so that none is left over at the end.
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
  }));
  const single = files
    .filter((file) => suiteOf(file) !== "unit")
    .map((file) => ({
      name: file,
      suite: suiteOf(file),
      files: [file],
      seconds: secondsOf(file),
    }));
  return [...unit, ...single].sort((a, b) => b.seconds - a.seconds || (a.name < b.name ? -1 : 1));
}

/**
 * Deals files out so that every part takes about as long: the longest first, each to the part with the least so far.
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
    const [least] = [...parts].sort((a, b) => sumOf(a, secondsOf) - sumOf(b, secondsOf));
    least?.push(file);
  }
  return parts.filter((part) => part.length > 0).map((part) => part.sort());
}

/** @param {string[]} files @param {(file: string) => number} secondsOf */
function sumOf(files, secondsOf) {
  return files.reduce((sum, file) => sum + secondsOf(file), 0);
}
