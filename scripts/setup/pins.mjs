// The engine's folder and version. The version is that of the SDK in package.json; engine/*/go.mod pin the build with Go.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** The program through which the CLI runs Node programs; the CLI looks for it next to itself, then on PATH. */
export const LANGUAGE_HOST = "pulumi-language-nodejs";

/** @returns {string} `$PULUMI_HOME`, default ~/.pulumi */
export function pulumiHome() {
  return resolve(process.env["PULUMI_HOME"] || join(process.env["HOME"] || homedir(), ".pulumi"));
}

/**
 * The folder in which the set-up installs the engine. The wrapper in node_modules/pulumi (its lib/cache.js) and the
 * Automation API use the same one.
 * @param {string} root the project's folder
 */
export function engineHome(root) {
  return join(pulumiHome(), "versions", engineVersion(root));
}

/**
 * The SDK's version: Pulumi releases both together, and an older engine may lack requests of the SDK. The npm package
 * `pulumi` has no such recent version, but downloads the one in PULUMI_VERSION.
 * @param {string} root the project's folder
 */
export function engineVersion(root) {
  return packageVersion(root, "@pulumi/pulumi");
}

/**
 * @param {string} root the project's folder
 * @param {string} name of an installed npm package
 * @returns {string}
 */
export function packageVersion(root, name) {
  return JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")).version;
}
