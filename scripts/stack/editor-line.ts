/** The comment by which editors check a stack file: completion, descriptions and mistakes while typing. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ownFolder } from "./own-folder";

/** Read by yaml-language-server, which is in most editors' support of YAML. A relative path is from the file's own folder. */
export function editorLine(file: string): string {
  const folder = ownFolder();
  if (folder === null) return "";
  const schema = join(folder, "docs/config.schema.json");
  // The engine makes the folder of a first stack file (stackConfigDir).
  const from = existsSync(dirname(file)) ? realpathSync(dirname(file)) : dirname(file);
  return `# yaml-language-server: $schema=${relative(from, schema)}\n`;
}
