/** Where the repository is, from the sources as well as from their compiled form in dist/. */
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

/** The config file of a lab's stack; .gitignore knows its form. It goes with the lab. */
export function stackFile(id: string): string {
  return path.join(findRepository(), `Pulumi.${stackName(id)}.yaml`);
}
