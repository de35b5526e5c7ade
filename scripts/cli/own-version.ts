/** The version of this program, from its package.json. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isMap } from "../../mesh/config/shape-issues";

/** The nearest package.json above this file: it lies elsewhere when it is compiled. */
export function ownVersion(from = __dirname): string {
  const path = join(from, "package.json");
  if (!existsSync(path)) return from === dirname(from) ? "unknown" : ownVersion(dirname(from));
  const manifest: unknown = JSON.parse(readFileSync(path, "utf8"));
  return isMap(manifest) ? String(manifest["version"]) : "unknown";
}
