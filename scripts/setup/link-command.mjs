// Makes `npx wireguard-mesh` and `npx pulumi` find the programs of this project. With a `bin` entry in package.json npx would
// install the project into a cache of its own at the first call, and compile it there again.
import { chmodSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = join("dist", "scripts", "wireguard-mesh.js");

/** What each name in node_modules/.bin leads to, by its path in the project. */
const LINKS = { "wireguard-mesh": COMMAND, pulumi: join("scripts", "setup", "pulumi.mjs") };

/** @param {string} root the project's folder */
export function linkCommands(root) {
  for (const [name, target] of Object.entries(LINKS)) {
    if (isLink(root, name, target)) continue;
    mkdirSync(dirname(linkIn(root, name)), { recursive: true });
    rmSync(linkIn(root, name), { force: true });
    symlinkSync(join("..", "..", target), linkIn(root, name));
  }
}

/** @param {string} root */
export function isLinked(root) {
  return Object.entries(LINKS).every(([name, target]) => isLink(root, name, target));
}

/** @param {string} root @param {string} name @param {string} target */
function isLink(root, name, target) {
  try {
    return readlinkSync(linkIn(root, name)) === join("..", "..", target);
  } catch {
    return false;
  }
}

/** @param {string} root @param {string} name */
function linkIn(root, name) {
  return join(root, "node_modules", ".bin", name);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
  chmodSync(join(root, COMMAND), 0o755);
  linkCommands(root);
}
