// Links the commands into node_modules/.bin, for `npx wireguard-mesh` and `npx pulumi`. With a `bin` entry in
// package.json, npx would install and compile the project again in its cache.
import { chmodSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = join("dist", "scripts", "wireguard-mesh.js");

/** Targets of the links by their names, relative to the project. */
const LINKS = { "wireguard-mesh": COMMAND, pulumi: join("scripts", "setup", "pulumi.mjs") };

/** Creates or corrects the links. @param {string} root the project's folder */
export function linkCommands(root) {
  for (const [name, target] of Object.entries(LINKS)) {
    if (isLink(root, name, target)) continue;
    mkdirSync(dirname(linkPath(root, name)), { recursive: true });
    rmSync(linkPath(root, name), { force: true });
    symlinkSync(join("..", "..", target), linkPath(root, name));
  }
}

/** Whether all links are correct. @param {string} root the project's folder */
export function isLinked(root) {
  return Object.entries(LINKS).every(([name, target]) => isLink(root, name, target));
}

/** @param {string} root @param {string} name @param {string} target */
function isLink(root, name, target) {
  try {
    return readlinkSync(linkPath(root, name)) === join("..", "..", target);
  } catch {
    return false;
  }
}

/** @param {string} root @param {string} name */
function linkPath(root, name) {
  return join(root, "node_modules", ".bin", name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
  chmodSync(join(root, COMMAND), 0o755);
  linkCommands(root);
}
