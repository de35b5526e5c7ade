/** The version of this program, from its package.json. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap } from "../../mesh/config/shape-issues";
import { programFolder } from "../stack/program-folder";

export function programVersion(): string {
  const folder = programFolder();
  if (folder === null) return "unknown";
  const manifest: unknown = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return isMap(manifest) ? String(manifest["version"]) : "unknown";
}
