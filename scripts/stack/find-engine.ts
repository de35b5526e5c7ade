/** Finds the engine, the program `pulumi`. */
import { accessSync, constants } from "node:fs";
import { delimiter, join, sep } from "node:path";
import { Failure } from "./failure";

/**
 * The pulumi on PATH, else the npm package's below `root`, the project's folder. Skips node_modules/.bin on PATH, which npx puts
 * there.
 */
export function findEngine(root: string): string {
  const onPath = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((folder) => folder !== "" && !folder.endsWith(`node_modules${sep}.bin`));
  const folders = [...onPath, join(root, "node_modules", ".bin")];
  const found = folders.map((folder) => join(folder, "pulumi")).find(isExecutable);
  if (found !== undefined) return found;
  throw new Failure(
    "pulumi is neither on PATH nor in node_modules",
    `run npm ci in ${root}, or install the version of pulumi that its package.json names`,
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
