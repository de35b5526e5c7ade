import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The files in a folder and its subfolders whose names have this ending. Empty if the folder does not exist. */
export function filesBelow(folder: string, ending: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return entries.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
