// Installs the npm packages of package-lock.json if npm's own record in node_modules differs from it.
import { readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { withLock } from "./lock.mjs";
import { withProgress } from "./progress.mjs";

/** By path. @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} Packages */

/**
 * Makes node_modules match the lock file.
 * @param {string} root the project's folder
 */
export async function installNpmPackages(root) {
  if (missingIn(root).length === 0) return;
  await withLock(root, async () => {
    const missing = missingIn(root);
    if (missing.length === 0) return;
    await withProgress(`installing the npm packages (${missing.length} missing or changed)`, () =>
      npmCi(root),
    );
    const left = missingIn(root);
    if (left.length > 0)
      throw new SetupError(`These packages are missing after npm ci: ${left.join(", ")}`);
  });
}

/**
 * Packages of the lock file that are missing or have another version. npm writes its record
 * (node_modules/.package-lock.json) last, so after an interrupted installation there is none.
 * @param {Packages} locked
 * @param {Packages} recorded
 * @param {(path: string) => boolean} exists
 * @returns {string[]} their paths
 */
export function missingPackages(locked, recorded, exists) {
  return Object.entries(locked)
    .filter(([path, entry]) => {
      const installed = recorded[path];
      // "" is the project itself. npm skips optional packages for other platforms.
      if (path === "" || (entry.optional && installed === undefined)) return false;
      const isSame =
        installed?.version === entry.version && installed?.integrity === entry.integrity;
      return !isSame || !exists(path);
    })
    .map(([path]) => path);
}

/** @param {string} root */
function missingIn(root) {
  const locked = packagesIn(join(root, "package-lock.json"));
  if (locked === null)
    throw new SetupError(
      `${root} has no readable package-lock.json.\n  Run this in a complete clone of the repository.`,
    );
  const recorded = packagesIn(join(root, "node_modules", ".package-lock.json")) ?? {};
  const exists = (/** @type {string} */ path) =>
    statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() ?? false;
  return missingPackages(locked, recorded, exists);
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
async function npmCi(root) {
  const args = [
    "ci",
    // The dependencies' scripts only download plugins, and the project's own only compiles: both are later steps.
    "--ignore-scripts",
    "--include=dev",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
  ];
  const [command, ...npmArgs] = npmCommand();
  const outcome = await run(command, [...npmArgs, ...args], { cwd: root, seconds: 1200 });
  if (outcome.ok) return;
  throw new SetupError(
    `npm could not install the packages of package-lock.json:\n${lastLines(outcome.output, 12)}\n` +
      "  Fix this (often the network or a proxy: npm config get registry), then run the same\n" +
      "  command again.",
  );
}

/** @returns {[string, ...string[]]} the npm that started this process, else the one on PATH */
export function npmCommand() {
  const script = process.env["npm_execpath"];
  const isNpm = script !== undefined && basename(script) === "npm-cli.js";
  return isNpm ? [process.execPath, script] : ["npm"];
}
