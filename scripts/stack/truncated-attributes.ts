/**
 * Repairs truncated attribute files of a `file://` backend (NAME.json.attrs beside NAME.json). The engine's library does not
 * write them atomically (gocloud.dev/blob/fileblob, setAttrs), so a killed run can leave a truncated one, after which the engine
 * fails with `failed to load checkpoint: EOF`. The state itself is written atomically.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { log } from "../log";
import { filesBelow } from "./files-below";

/** Removes truncated files below the backend's folder, so that the defaults apply. Returns whether there were any. */
export function removeTruncatedAttributes(folder: string): boolean {
  const cut = filesBelow(join(folder, ".pulumi"), ".json.attrs").filter(isTruncated);
  for (const file of cut) {
    rmSync(file, { force: true });
    log(`removed a file that a killed run had cut short: ${file}`);
  }
  return cut.length > 0;
}

function isTruncated(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return false;
  } catch (error) {
    return error instanceof SyntaxError;
  }
}
