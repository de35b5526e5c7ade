// Durations of the test files in earlier runs, which balance the parallel jobs of the next run.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setupFolder } from "./lock.mjs";

/** @typedef {import("./test-jobs.mjs").Durations} Durations */

/** In the repository, for a machine on which nothing has run yet. @param {string} root */
const sharedFile = (root) => join(root, "test", "durations.json");
/** Measured on this machine. @param {string} root */
const localFile = (root) => join(setupFolder(root), "durations.json");

/** @param {string} root the project's folder @returns {Durations} those of this machine, else those in the repository */
export function readDurations(root) {
  return { ...read(sharedFile(root)), ...read(localFile(root)) };
}

/**
 * @param {string} root
 * @param {Durations} durations of the files that ran
 * @param {boolean} save whether to write them to the file in the repository too
 */
export function rememberDurations(root, durations, save) {
  write(localFile(root), { ...read(localFile(root)), ...durations });
  if (save) write(sharedFile(root), { ...read(sharedFile(root)), ...durations });
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
