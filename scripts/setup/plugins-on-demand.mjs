// The engine downloads the plugin of every package in node_modules that says it has one, before it starts the program. A
// network without an EC2 relay never needs `aws`, some hundred MB; where it is needed, the engine downloads it when the program
// registers its first resource.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Packages whose plugins are downloaded when the program uses them. */
const ON_DEMAND = ["@pulumi/aws"];

/** @param {string} root the project's folder */
export function loadOnDemand(root) {
  for (const name of ON_DEMAND) {
    const file = join(root, "node_modules", name, "package.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    if (manifest.pulumi?.resource !== true) continue;
    manifest.pulumi.resource = false;
    // The file may be a hard link of npm's or a copy's.
    writeFileSync(`${file}.new`, `${JSON.stringify(manifest, null, 2)}\n`);
    renameSync(`${file}.new`, file);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  loadOnDemand(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
}
