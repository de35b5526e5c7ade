// The npm packages of package-lock.json, installed when they are not those that npm recorded in node_modules.
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { withLock } from "./lock.mjs";
import { withProgress } from "./progress.mjs";

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} Packages by path in node_modules */

/**
 * Brings node_modules in line with the lock file.
 * @param {string} root the project's folder
 */
export async function installNpmPackages(root) {
  if (missingHere(root).length === 0) return;
  await withLock(root, async () => {
    const missing = missingHere(root);
    if (missing.length === 0) return;
    await withProgress(`installing the npm packages (${missing.length} missing or changed)`, () =>
      ci(root),
    );
    const left = missingHere(root);
    if (left.length > 0)
      throw new SetupError(`After npm ci these packages are still not here: ${left.join(", ")}`);
  });
}

/**
 * Which packages of the lock are absent or of another version. npm writes its record (node_modules/.package-lock.json)
 * last, so an installation that was cut off has none.
 * @param {Packages} locked
 * @param {Packages} recorded
 * @param {(path: string) => boolean} isThere
 * @returns {string[]} their paths
 */
export function missingPackages(locked, recorded, isThere) {
  return Object.entries(locked)
    .filter(([path, entry]) => {
      // "" is the project itself; an optional package is left out where the platform does not suit it.
      if (path === "" || (entry.optional && recorded[path] === undefined)) return false;
      const here = recorded[path];
      return (
        here?.version !== entry.version || here?.integrity !== entry.integrity || !isThere(path)
      );
    })
    .map(([path]) => path);
}

/** @param {string} root */
function missingHere(root) {
  const locked = packagesIn(join(root, "package-lock.json"));
  if (locked === null)
    throw new SetupError(
      `${root} has no readable package-lock.json. Is it a whole clone of the repository?`,
    );
  const recorded = packagesIn(join(root, "node_modules", ".package-lock.json")) ?? {};
  const isThere = (/** @type {string} */ path) =>
    statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  return missingPackages(locked, recorded, isThere);
}

/** @param {string} file @returns {Packages | null} */
function packagesIn(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return null;
  }
}

/** @param {string} root */
async function ci(root) {
  // No install scripts: the only ones among the dependencies try to download plugins, which is another step's business;
  // this project's own (it compiles) is the next step.
  const args = [
    "ci",
    "--ignore-scripts",
    "--include=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const [command, ...before] = npmCommand();
  const outcome = await run(command, [...before, ...args], { cwd: root, seconds: 1200 });
  if (outcome.ok) return;
  throw new SetupError(
    `npm could not install the packages of package-lock.json. It said:\n${lastLines(outcome.output, 12)}\n` +
      "  See what it needs (often a network or a proxy: npm config get registry), then run the same command again.",
  );
}

/** @returns {[string, ...string[]]} npm as it was started, else the one on PATH */
export function npmCommand() {
  const script = process.env["npm_execpath"];
  const isNpm = script !== undefined && basename(script) === "npm-cli.js";
  return isNpm ? [process.execPath, script] : ["npm"];
}
