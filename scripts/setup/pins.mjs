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
  return join(pulumiHome(), "versions", engineVersion(root));
}

/**
 * The engine's version is that of the SDK: Pulumi releases them together, and an engine that is older may lack what the SDK
 * asks for. The npm package `pulumi` only downloads it, and stays behind (3.265.0), but takes PULUMI_VERSION.
 * @param {string} root
 */
export function engineVersion(root) {
  return packageVersion(root, "@pulumi/pulumi");
}

/**
 * @param {string} root
 * @param {string} name of an installed npm package
 * @returns {string}
 */
export function packageVersion(root, name) {
  return JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version;
}
