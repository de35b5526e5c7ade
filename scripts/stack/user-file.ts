/**
 * A text file of the user: read strictly as UTF-8, and replaced so that links, permissions, owner and group are kept. A lock
 * serializes commands that change it.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lockPath, tryLock } from "../push/name-lock";
import { log } from "../log";
import { Failure } from "./failure";

/** How long a command waits for the lock. Its holder may run the engine once for every secret. */
const LOCK_MS = 300_000;
/** About two seconds. */
const TRIES_BEFORE_MESSAGE = 25;

/**
 * The text of the file; null if it does not exist.
 * @throws Failure (exit code 2) for text that is not UTF-8: the engine cannot read it, and a change would corrupt it.
 */
export function readUserFile(file: string): string | null {
  try {
    return decode(fs.readFileSync(file), file);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" && !isLink(file)) return null;
    if (code === "ENOENT") throw new Failure(`${file} is a link to nothing`, "remove it", 2);
    throw new Failure(`${file} cannot be read: ${message}`, null, 2);
  }
}

export function decode(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const isWide =
      (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    const at = isWide ? "" : ` at line ${lineOfFirstBadByte(bytes)}`;
    const from = isWide ? "UTF-16" : "LATIN1";
    throw new Failure(
      `${where} is not UTF-8 text${at}`,
      `save it as UTF-8, e.g. by: iconv -f ${from} -t UTF-8 ${where}`,
      2,
    );
  }
}

function lineOfFirstBadByte(bytes: Uint8Array): number {
  const lines = Buffer.from(bytes).toString("latin1").split("\n");
  const bad = lines.findIndex((line) => {
    const own = Buffer.from(line, "latin1");
    return !own.equals(Buffer.from(own.toString("utf8"), "utf8"));
  });
  return bad + 1;
}

/** Runs `work` while no other command on this machine works on the file. */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const place = lockPath("file", targetOf(file));
  const deadline = Date.now() + LOCK_MS;
  let held = await tryLock(place);
  for (let tries = 1; held === null; tries += 1) {
    if (tries === TRIES_BEFORE_MESSAGE) log(`waiting for another command that changes ${file}...`);
    if (Date.now() > deadline) {
      const remedy = "wait until it has ended, then run this again; nothing was changed";
      throw new Failure(`another command is changing ${file}`, remedy);
    }
    await sleep(50 + Math.random() * 50);
    held = await tryLock(place);
  }
  try {
    return await work();
  } finally {
    held.release();
  }
}

/**
 * Replaces the file, or creates it if `former` is null.
 * @throws Failure, without changing the file, when its text is no longer `former`, or it cannot be written.
 */
export function replaceUserFile(file: string, text: string, former: string | null): void {
  if (readUserFile(file) !== former) {
    throw new Failure(`${file} was changed meanwhile, so it was left as it is`, "run this again");
  }
  refuseReadOnly(file);
  const target = targetOf(file);
  const status = former === null ? null : fs.statSync(target);
  try {
    if (status === null || status.nlink === 1) writeByRename(target, text, status);
    // Replacing a file that has several hard links would break the link.
    else writeInPlace(target, text);
  } catch (error) {
    const { message } = error as NodeJS.ErrnoException;
    throw new Failure(`${file} could not be written: ${message}`);
  }
}

/** @throws Failure for a file without write permission, even for root, who could write it. */
export function refuseReadOnly(file: string): void {
  const status = fs.statSync(file, { throwIfNoEntry: false });
  if (status === undefined) return;
  if ((status.mode & 0o222) === 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, "0");
    throw new Failure(
      `${file} is read-only (mode ${mode}), so it was left as it is`,
      `let it be written: chmod u+w ${file}`,
    );
  }
  try {
    fs.accessSync(file, fs.constants.W_OK);
  } catch {
    const what = `${file} may not be written by this user, so it was left as it is`;
    throw new Failure(what, "run this as its owner, or give yourself permission");
  }
}

/** Atomic: an interruption leaves the former file. */
function writeByRename(target: string, text: string, status: fs.Stats | null): void {
  const temporary = `${target}.new`;
  fs.rmSync(temporary, { force: true });
  try {
    const handle = fs.openSync(temporary, "wx", status === null ? 0o666 : 0o600);
    try {
      fs.writeFileSync(handle, text);
      if (status !== null) keepOwnerAndMode(handle, status);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, target);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    if (status === null || !isPermission(error)) throw error;
    // The file has another owner, or no file can be created in its folder.
    writeInPlace(target, text);
  }
}

function keepOwnerAndMode(handle: number, { uid, gid, mode }: fs.Stats): void {
  const own = fs.fstatSync(handle);
  if (own.uid !== uid || own.gid !== gid) fs.fchownSync(handle, uid, gid);
  fs.fchmodSync(handle, mode & 0o7777);
}

function writeInPlace(target: string, text: string): void {
  const handle = fs.openSync(target, "r+");
  try {
    fs.writeFileSync(handle, text);
    fs.ftruncateSync(handle, Buffer.byteLength(text));
    fs.fsyncSync(handle);
  } finally {
    fs.closeSync(handle);
  }
}

function isPermission(error: unknown): boolean {
  return ["EACCES", "EPERM", "EBUSY", "EROFS"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );
}

/** The target of a symbolic link. */
function targetOf(file: string): string {
  if (fs.existsSync(file)) return fs.realpathSync(file);
  const folder = path.dirname(file);
  return fs.existsSync(folder) ? path.join(fs.realpathSync(folder), path.basename(file)) : file;
}

function isLink(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
