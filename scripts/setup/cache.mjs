// Results that are expensive to compute, kept between runs in .setup/cache.json. An entry is valid while the files that
// it depends on are unchanged.
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setupFolder } from "./lock.mjs";

const FORMAT = 1;
const FILE = "cache.json";

/**
 * @typedef {object} Entry
 * @property {string} value
 * @property {Record<string, string>} files fingerprints of the files that the value depends on, by path
 */

/** @typedef {{ format: number, entries: Record<string, Entry> }} Cache */

/**
 * @param {string} root the project's folder
 * @param {string} name
 * @returns {string | null} the value; null if there is none or one of its files has changed
 */
export function recall(root, name) {
  const entry = load(root).entries[name];
  if (entry === undefined) return null;
  const isValid = Object.entries(entry.files).every(([path, was]) => fingerprintOf(path) === was);
  return isValid ? entry.value : null;
}

/**
 * Stores a value that is valid while these files are unchanged.
 * @param {string} root the project's folder
 * @param {string} name
 * @param {string} value
 * @param {string[]} files absolute paths; if one does not exist, the value is never valid
 */
export function remember(root, name, value, files) {
  const cache = load(root);
  const fingerprints = files.map((path) => [path, fingerprintOf(path) ?? "missing"]);
  cache.entries[name] = { value, files: Object.fromEntries(fingerprints) };
  const path = join(setupFolder(root), FILE);
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(cache, null, 2));
  renameSync(`${path}.${process.pid}`, path);
}

/** @param {string} path @returns {string | null} null if there is no such file */
function fingerprintOf(path) {
  try {
    const { size, mtimeMs, ino } = statSync(path);
    return `${size} ${mtimeMs} ${ino}`;
  } catch {
    return null;
  }
}

/** @param {string} root @returns {Cache} empty if the file is missing, damaged or of another format */
function load(root) {
  try {
    const cache = JSON.parse(readFileSync(join(root, ".setup", FILE), "utf8"));
    if (cache.format === FORMAT) return cache;
  } catch {
    // Missing or damaged.
  }
  return { format: FORMAT, entries: {} };
}
