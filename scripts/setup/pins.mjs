// Where the engine of this project lies and which versions belong together. The versions stand in package.json only.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The language host: the CLI starts the program through it, and looks for it beside itself, then on PATH. */
export const LANGUAGE_HOST = "pulumi-language-nodejs";

/** `$PULUMI_HOME`, by default ~/.pulumi. */
export function pulumiHome() {
  return resolve(process.env["PULUMI_HOME"] || join(process.env["HOME"] || homedir(), ".pulumi"));
}

/**
 * The folder of our own engine: the one that the wrapper in node_modules/pulumi uses (its lib/cache.js), and the Automation API.
 * @param {string} root the project's folder
 */
export function engineHome(root) {
  return join(pulumiHome(), "versions", packageVersion(root, "pulumi"));
}

/**
 * @param {string} root
 * @param {string} name of an installed npm package
 * @returns {string}
 */
export function packageVersion(root, name) {
  return JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version;
}
