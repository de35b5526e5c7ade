// What the set-up remembers between runs, so that the next one need not ask again. It never takes its word for more than
// it can check in a moment: each note names the files that it is about, and counts only while they are as they were.
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setupFolder } from "./lock.mjs";

const MEMORY_FORMAT = 1;

/**
 * @typedef {object} Note
 * @property {string} value what was found out
 * @property {Record<string, string>} files fingerprints of the files that it is about, by path
 */

/** @typedef {{ format: number, notes: Record<string, Note> }} Memory */

/**
 * What is remembered under that name, or null when it was never noted or a file that it is about has changed or gone.
 * @param {string} root the project's folder
 * @param {string} name
 * @param {(path: string) => string | null} [fingerprint]
 */
export function recall(root, name, fingerprint = fingerprintOf) {
  const note = load(root).notes[name];
  if (note === undefined) return null;
  const holds = Object.entries(note.files).every(([path, was]) => fingerprint(path) === was);
  return holds ? note.value : null;
}

/**
 * Remembers a value as long as these files stay as they are now. One that is not there makes it forget at once.
 * @param {string} root
 * @param {string} name
 * @param {string} value
 * @param {string[]} files absolute paths
 */
export function remember(root, name, value, files) {
  const memory = load(root);
  const fingerprints = Object.fromEntries(
    files.map((path) => [path, fingerprintOf(path) ?? "gone"]),
  );
  memory.notes[name] = { value, files: fingerprints };
  const path = join(setupFolder(root), "memory");
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(memory, null, 2));
  renameSync(`${path}.${process.pid}`, path);
}

/** @param {string} path @returns {string | null} null when there is no such file */
export function fingerprintOf(path) {
  try {
    const { size, mtimeMs, ino } = statSync(path);
    return `${size} ${mtimeMs} ${ino}`;
  } catch {
    return null;
  }
}

/** @param {string} root @returns {Memory} */
function load(root) {
  try {
    const memory = JSON.parse(readFileSync(join(root, ".setup", "memory"), "utf8"));
    if (memory.format === MEMORY_FORMAT) return memory;
  } catch {
    // None yet, or not readable: then nothing is remembered.
  }
  return { format: MEMORY_FORMAT, notes: {} };
}
