// A lock per project folder, so that set-ups that run at the same time (`npm test` and `npm run lab`) do not collide.
import {
  accessSync,
  constants,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { SetupError } from "./errors.mjs";
import { onInterrupt } from "./interrupts.mjs";
import { log } from "./progress.mjs";

const LONGEST_WAIT_MINUTES = 30;

/**
 * Creates the folder .setup for the lock, the cache and downloads, ignored by git.
 * @param {string} root the project's folder
 * @returns {string} its path; a folder in /tmp if this user must not write there, because root has run the set-up
 */
export function setupFolder(root) {
  const folder = join(root, ".setup");
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    if (!["EACCES", "EROFS"].includes(/** @type {NodeJS.ErrnoException} */ (error).code ?? ""))
      throw error;
    return (temporary ??= mkdtempSync(join(tmpdir(), "wireguard-mesh-setup-")));
  }
  const ignored = join(folder, ".gitignore");
  if (!existsSync(ignored)) writeFileSync(ignored, "*\n");
  return folder;
}

/** @type {string | undefined} */
let temporary;

/** Project folders whose lock this process holds: the lock is reentrant. @type {Set<string>} */
const held = new Set();

/**
 * Runs the work while holding the project folder's lock.
 * @template T
 * @param {string} root the project's folder
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(root, work) {
  if (held.has(root)) return await work();
  const file = join(setupFolder(root), "lock");
  await acquire(file);
  held.add(root);
  const release = () => {
    held.delete(root);
    rmSync(file, { force: true });
  };
  const unregister = onInterrupt(release);
  try {
    return await work();
  } finally {
    unregister();
    release();
  }
}

/** @param {string} file */
async function acquire(file) {
  const deadline = Date.now() + LONGEST_WAIT_MINUTES * 60_000;
  for (let logged = false; !tryAcquire(file); logged = true) {
    const owner = ownerOf(file);
    if (owner !== null && !isSetup(owner)) {
      rmSync(file, { force: true });
      continue;
    }
    if (!logged) log(`waiting for another set-up in this folder (process ${owner ?? "unknown"})`);
    if (Date.now() > deadline) {
      throw new SetupError(
        `Another set-up has held the lock of this folder for ${LONGEST_WAIT_MINUTES} minutes.\n` +
          `  If none is running, remove the lock: rm ${file}`,
      );
    }
    await wait(250);
  }
}

/** @param {string} file */
function tryAcquire(file) {
  const own = `${file}.${process.pid}`;
  writeFileSync(own, String(process.pid));
  try {
    linkSync(own, file); // atomic: the lock never exists without its owner's number
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(own, { force: true });
  }
}

/** @param {string} file @returns {number | null} the owner's process number; null if the lock was just released */
function ownerOf(file) {
  try {
    return Number(readFileSync(file, "utf8")) || null;
  } catch {
    return null;
  }
}

/**
 * Whether that process is a set-up. After a restart of the machine, another program may have the number.
 * @param {number} pid
 */
function isSetup(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("run.mjs");
  } catch {
    return false;
  }
}
