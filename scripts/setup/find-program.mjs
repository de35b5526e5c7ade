// Finding programs on PATH without starting any.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** Where system programs lie that a user's PATH often lacks. */
export const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** @param {string} path */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile() && statSync(path).size > 0;
  } catch {
    return false;
  }
}

/**
 * @param {string | undefined} path the variable PATH
 * @returns {string[]} its folders, absolute
 */
export function foldersOf(path) {
  return (path ?? "")
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => resolve(folder));
}

/** Whether npm keeps links to the programs of packages there. @param {string} folder */
export function isNpmBin(folder) {
  return folder.endsWith(join("node_modules", ".bin"));
}

/**
 * @param {string} name
 * @param {string[]} folders in the order of search
 * @returns {string | null} the first executable of that name
 */
export function findProgram(name, folders) {
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  return found ?? null;
}

/**
 * Whether a program (by name) or a file (by absolute path) is on this machine.
 * @param {string} tool
 */
export function isAvailable(tool) {
  if (tool.startsWith("/")) return existsSync(tool);
  return findProgram(tool, [...foldersOf(process.env["PATH"]), ...SYSTEM_FOLDERS]) !== null;
}
