/** The comment that gives editors the schema of a stack file, for completion, descriptions and checks while typing. */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { programFolder } from "./program-folder";

/** For yaml-language-server, which most editors use. A relative path starts at the file's own folder. */
export function editorLine(file: string): string {
  const folder = programFolder();
  if (folder === null) return "";
  const schema = join(folder, "docs/config.schema.json");
  // The folder of a first stack file (stackConfigDir) may not exist yet.
  const from = existsSync(dirname(file)) ? realpathSync(dirname(file)) : dirname(file);
  return `# yaml-language-server: $schema=${relative(from, schema)}\n`;
}
