/** This program's folder, and the version in its package.json. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isMap } from "../../mesh/config/shape-issues";

/** The nearest folder with a package.json above this file, which lies elsewhere when it is compiled; null without one. */
export function ownFolder(from = __dirname): string | null {
  if (existsSync(join(from, "package.json"))) return from;
  return from === dirname(from) ? null : ownFolder(dirname(from));
}

export function ownVersion(): string {
  const folder = ownFolder();
  if (folder === null) return "unknown";
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return isMap(manifest) ? String(manifest["version"]) : "unknown";
}
