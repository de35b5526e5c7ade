/** This program's own folder. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The nearest folder with a package.json above this file, whose compiled form is in another folder; null without one. */
export function programFolder(from = __dirname): string | null {
  if (existsSync(join(from, "package.json"))) return from;
  return from === dirname(from) ? null : programFolder(dirname(from));
}
