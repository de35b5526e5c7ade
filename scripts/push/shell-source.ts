/** Finds the shell files next to the sources, because dist/scripts/push has only compiled files. */
import * as fs from "node:fs";
import * as path from "node:path";

/** The path of a file or folder in scripts/push. */
export function shellSource(name: string): string {
  const beside = path.join(__dirname, name);
  return fs.existsSync(beside) ? beside : path.join(__dirname, "../../../scripts/push", name);
}
