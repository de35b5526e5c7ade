// Installs an engine atomically: an interrupted set-up never leaves an incomplete one.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SetupError } from "./errors.mjs";
import { onInterrupt } from "./interrupts.mjs";

const TEMPORARY_PREFIX = ".wireguard-mesh-setup-";

/**
 * Prepares the engine in a temporary folder next to the target, on the same file system, then renames it to the target.
 * @param {string} target the engine's folder; replaced if it exists
 * @param {(temporaryFolder: string) => Promise<string | null>} prepare returns the engine's folder inside the temporary
 *   one; null if there is no engine
 * @returns {Promise<boolean>} whether the engine was installed
 */
export async function installAtomically(target, prepare) {
  const parent = dirname(target);
  const temporaryFolder = join(parent, `${TEMPORARY_PREFIX}${process.pid}`);
  createTemporaryFolder(parent, temporaryFolder);
  const remove = () => rmSync(temporaryFolder, { recursive: true, force: true });
  const unregister = onInterrupt(remove);
  try {
    const engine = await prepare(temporaryFolder);
    if (engine === null) return false;
    if (existsSync(target)) renameSync(target, join(temporaryFolder, `old-${basename(target)}`));
    renameSync(engine, target);
    return true;
  } finally {
    unregister();
    remove();
  }
}

/** @param {string} parent @param {string} temporaryFolder */
function createTemporaryFolder(parent, temporaryFolder) {
  try {
    mkdirSync(parent, { recursive: true });
    for (const name of readdirSync(parent))
      if (isAbandoned(name)) rmSync(join(parent, name), { recursive: true, force: true });
    mkdirSync(temporaryFolder);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SetupError(
      `The engine's folder cannot be created: ${reason}\n` +
        "  Choose a folder that you may write to: export PULUMI_HOME=/path/to/pulumi",
    );
  }
}

/** Whether it is the temporary folder of a set-up that was killed. @param {string} name */
function isAbandoned(name) {
  if (!name.startsWith(TEMPORARY_PREFIX)) return false;
  return !existsSync(`/proc/${name.slice(TEMPORARY_PREFIX.length)}`);
}
