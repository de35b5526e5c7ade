// Finds programs on PATH without starting them.
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";

/** Folders of system programs that are often missing in a user's PATH. */
export const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** @param {string} path @returns {boolean} true for a non-empty executable file */
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

/** Whether a folder is node_modules/.bin, where npm links the programs of packages. @param {string} folder */
export function isNpmBin(folder) {
  return folder.endsWith(join("node_modules", ".bin"));
}

/**
 * @param {string} name
 * @param {string[]} folders in search order
 * @returns {string | null} the path of the first executable with that name
 */
export function findProgram(name, folders) {
  const found = folders.map((folder) => join(folder, name)).find(isExecutable);
  return found ?? null;
}

/**
 * @param {string} tool a program's name, or a file's absolute path
 * @returns {boolean} whether it is installed on this machine
 */
export function isAvailable(tool) {
  if (tool.startsWith("/")) return existsSync(tool);
  return findProgram(tool, [...foldersOf(process.env["PATH"]), ...SYSTEM_FOLDERS]) !== null;
}
