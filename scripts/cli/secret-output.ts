/** Writes results that may be secret: to stdout, a file with mode 0600, or a device. */
import * as fs from "node:fs";
import { Failure } from "../stack/failure";
import { isDevNull, writeOut } from "./stdout";

/** Whether the value of an option like --out means stdout. */
export function isStdout(path: string): boolean {
  return ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].includes(path);
}

/** Replaces a file by one with mode 0600, see writeResult. */
export function writeSecret(path: string, content: string | Buffer): void {
  writeResult(path, content, 0o600);
}

/**
 * Replaces a file atomically by one with this mode; writes into a device or a pipe without replacing it.
 * @throws Failure, with the remedy, when it cannot be written.
 */
export function writeResult(
  path: string,
  content: string | Buffer,
  mode: number,
  remedy: string | null = null,
): void {
  if (isStdout(path)) {
    writeOut(content);
    return;
  }
  try {
    if (isStream(path)) fs.appendFileSync(path, content);
    else replaceFile(path, content, mode);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${path} could not be written: ${(error as Error).message}`, remedy);
  }
}

/** An open file of this process, a pipe or a terminal. */
function isStream(path: string): boolean {
  const status = fs.statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return false;
  if (status.isFile()) return /^\/(dev|proc)\//.test(path);
  if (status.isFIFO() || (status.isCharacterDevice() && !isDevNull(status))) return true;
  throw new Failure(`${path} is not a file`, "name a new file, or - for stdout", 2);
}

/** Follows a symbolic link. The temporary file has another extension, so that globs do not match it. */
function replaceFile(path: string, content: string | Buffer, mode: number): void {
  const target = fs.existsSync(path) ? fs.realpathSync(path) : path;
  const temporary = `${target}.new`;
  // An existing file would keep its permissions.
  fs.rmSync(temporary, { force: true });
  try {
    const handle = fs.openSync(temporary, "wx", 0o600);
    try {
      fs.writeFileSync(handle, content);
      // Not by openSync: its mode is subject to the umask.
      fs.fchmodSync(handle, mode);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(temporary, target);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}
