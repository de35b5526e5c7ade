import { readdirSync } from "node:fs";
import { join } from "node:path";

/** The files in a folder and the folders below whose names end so. None where there is no such folder yet. */
export function filesBelow(folder: string, ending: string): string[] {
  try {
    const entries = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return entries.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
