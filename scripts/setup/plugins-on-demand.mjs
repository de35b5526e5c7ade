// Before the program starts, the engine downloads the plugin of every package in node_modules that declares one. This removes
// the declaration of `aws`, some hundred MB, which only a network with an EC2 relay needs: the engine then downloads it when
// the program registers the first AWS resource.
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
    // A new file, because this one may be a hard link of npm's cache or of another copy.
    writeFileSync(`${file}.new`, `${JSON.stringify(manifest, null, 2)}\n`);
    renameSync(`${file}.new`, file);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  loadOnDemand(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
}
