/** Finds the repository, both from the sources and from the compiled files in dist/. */
import * as fs from "node:fs";
import * as path from "node:path";

/** The folder with Pulumi.yaml: the program that the lab runs. */
export function findRepository(): string {
  let folder = __dirname;
  while (!fs.existsSync(path.join(folder, "Pulumi.yaml"))) {
    const above = path.dirname(folder);
    if (above === folder) throw new Error(`no Pulumi.yaml above ${__dirname}`);
    folder = above;
  }
  return folder;
}

/** The Pulumi stack of a lab. */
export function stackName(id: string): string {
  return `lab-${id}`;
}

/** The config file of a lab's stack: removed with the lab, and ignored by .gitignore. */
export function stackFile(id: string): string {
  return path.join(findRepository(), `Pulumi.${stackName(id)}.yaml`);
}
