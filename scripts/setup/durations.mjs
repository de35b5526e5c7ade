// How long each test file took before: what keeps the parallel parts of a run balanced.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setupFolder } from "./lock.mjs";

/** @typedef {import("./test-jobs.mjs").Durations} Durations */

/** In the repository, for a machine on which nothing has run yet. @param {string} root */
const recorded = (root) => join(root, "test", "durations.json");
/** What was measured here. @param {string} root */
const measuredHere = (root) => join(setupFolder(root), "durations.json");

/** @param {string} root the project's folder @returns {Durations} this machine's own where it has them */
export function readDurations(root) {
  return { ...read(recorded(root)), ...read(measuredHere(root)) };
}

/**
 * @param {string} root
 * @param {Durations} durations of the files that ran
 * @param {boolean} save whether they go into the repository too
 */
export function rememberDurations(root, durations, save) {
  write(measuredHere(root), { ...read(measuredHere(root)), ...durations });
  if (save) write(recorded(root), { ...read(recorded(root)), ...durations });
}

/** @param {string} file @returns {Durations} */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return {}; // nothing has run yet
  }
}

/** @param {string} file @param {Durations} durations */
function write(file, durations) {
  const sorted = Object.entries(durations).sort(([a], [b]) => (a < b ? -1 : 1));
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
}
