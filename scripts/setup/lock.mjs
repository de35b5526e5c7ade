// Two set-ups in one folder (`npm test` beside `npm run lab`) take turns; the second finds the first one's work done.
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SetupError } from "./errors.mjs";
import { onInterrupt } from "./interrupts.mjs";
import { log } from "./progress.mjs";

const LONGEST_WAIT_MINUTES = 30;

/**
 * The set-up's own folder in the project: the lock and what it remembers. It hides itself from git.
 * @param {string} root the project's folder
 */
export function setupFolder(root) {
  const folder = join(root, ".setup");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, ".gitignore"), "*\n");
  return folder;
}

/** Folders whose lock this very process has: one step may call another. @type {Set<string>} */
const held = new Set();

/**
 * Runs the work while no other set-up in this folder does.
 * @template T
 * @param {string} root
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(root, work) {
  if (held.has(root)) return await work();
  const file = join(setupFolder(root), "lock");
  await take(file);
  held.add(root);
  const release = () => {
    held.delete(root);
    rmSync(file, { force: true });
  };
  const forget = onInterrupt(release);
  try {
    return await work();
  } finally {
    forget();
    release();
  }
}

/** @param {string} file */
async function take(file) {
  const giveUp = Date.now() + LONGEST_WAIT_MINUTES * 60_000;
  for (let told = false; !tryToTake(file); told = true) {
    const owner = ownerOf(file);
    if (owner !== null && !isSetup(owner)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told)
      log(`another set-up (process ${owner ?? "?"}) is at work in this folder; waiting for it`);
    if (Date.now() > giveUp) {
      throw new SetupError(
        `Another set-up has been at work in this folder for ${LONGEST_WAIT_MINUTES} minutes.\n  If there is none, remove its lock: rm ${file}`,
      );
    }
    await wait(250);
  }
}

/** @param {string} file */
function tryToTake(file) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file); // appears whole or not at all, unlike a file that is created and then written
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** @param {string} file @returns {number | null} null when it has just gone */
function ownerOf(file) {
  try {
    return Number(readFileSync(file, "utf8")) || null;
  } catch {
    return null;
  }
}

/**
 * Whether that process is a set-up: its number may have gone to another one since, after a restart of the machine.
 * @param {number} pid
 */
function isSetup(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("run.mjs");
  } catch {
    return false;
  }
}
