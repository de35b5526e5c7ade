// Makes `npx wireguard-mesh` find the command. With a `bin` entry in package.json npx would install the project into a
// cache of its own at the first call, and compile it there once more.
import { chmodSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const COMMAND = join("dist", "scripts", "wireguard-mesh.js");

/** @param {string} root the project's folder */
export function linkCommand(root) {
  const link = linkIn(root);
  if (isLinked(root)) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join("..", "..", COMMAND), link);
}

/** @param {string} root */
export function isLinked(root) {
  try {
    return readlinkSync(linkIn(root)) === join("..", "..", COMMAND);
  } catch {
    return false;
  }
}

/** @param {string} root */
function linkIn(root) {
  return join(root, "node_modules", ".bin", "wireguard-mesh");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
  chmodSync(join(root, COMMAND), 0o755);
  linkCommand(root);
}
