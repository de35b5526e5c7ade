/** Where the shell texts that run on a host are: next to the sources, not to the compiled files in dist/scripts/push. */
import * as fs from "node:fs";
import * as path from "node:path";

/** The path of a file or folder in scripts/push. */
export function shellSource(name: string): string {
  const beside = path.join(__dirname, name);
  return fs.existsSync(beside) ? beside : path.join(__dirname, "../../../scripts/push", name);
}
