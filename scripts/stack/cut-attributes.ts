/**
 * Files of attributes in a `file://` backend, NAME.json.attrs beside NAME.json. The engine's library writes them in place
 * (gocloud.dev/blob/fileblob, setAttrs), so a run that is killed meanwhile leaves one that is cut short, and from then on
 * the engine says `failed to load checkpoint: EOF`. The state itself is renamed into place and whole.
 */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { log } from "../log";
import { filesBelow } from "./files-below";

/** Removes those in the backend `folder`: without one, the attributes have their defaults. Returns whether there were any. */
export function removeCutAttributes(folder: string): boolean {
  const cut = filesBelow(join(folder, ".pulumi"), ".json.attrs").filter(isCut);
  for (const file of cut) {
    rmSync(file, { force: true });
    log(`removed a file that a killed run had cut short: ${file}`);
  }
  return cut.length > 0;
}

function isCut(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, "utf8"));
    return false;
  } catch (error) {
    return error instanceof SyntaxError;
  }
}
