// Puts a finished engine into its place in one step: an interrupted set-up never leaves a half engine that looks whole.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { SetupError } from "./errors.mjs";
import { onInterrupt } from "./interrupts.mjs";

const WORKSHOP = ".wireguard-mesh-setup-";

/**
 * Lets the work fill a folder beside the place (so on the same file system) and moves it there when the work succeeded.
 * @param {string} place the folder that the engine shall be
 * @param {(temporary: string) => Promise<string | null>} work gives the finished folder inside the temporary, or null
 * @returns {Promise<boolean>} whether the engine is in its place
 */
export async function installAtomically(place, work) {
  const parent = dirname(place);
  const temporary = join(parent, `${WORKSHOP}${process.pid}`);
  openWorkshop(parent, temporary);
  const clear = () => rmSync(temporary, { recursive: true, force: true });
  const forget = onInterrupt(clear);
  try {
    const finished = await work(temporary);
    if (finished === null) return false;
    if (existsSync(place)) renameSync(place, join(temporary, `old-${basename(place)}`));
    renameSync(finished, place);
    return true;
  } finally {
    forget();
    clear();
  }
}

/** @param {string} parent @param {string} temporary */
function openWorkshop(parent, temporary) {
  try {
    mkdirSync(parent, { recursive: true });
    for (const name of readdirSync(parent))
      if (isAbandoned(name)) rmSync(join(parent, name), { recursive: true, force: true });
    mkdirSync(temporary);
  } catch (error) {
    throw new SetupError(
      `The engine's folder cannot be made: ${error instanceof Error ? error.message : String(error)}\n` +
        "  Name a folder that you may write to: export PULUMI_HOME=/path/to/pulumi",
    );
  }
}

/** Left by a set-up that was killed. @param {string} name */
function isAbandoned(name) {
  if (!name.startsWith(WORKSHOP)) return false;
  return !existsSync(`/proc/${name.slice(WORKSHOP.length)}`);
}
