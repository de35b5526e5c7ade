// Finds or installs a Go that can build the engine. If the installed Go is too old, it downloads a newer toolchain,
// which is published as a Go module.
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { compareVersions, parseVersion } from "./engine-version.mjs";
import { SetupError } from "./errors.mjs";
import { findProgram, foldersOf } from "./find-program.mjs";
import { log, withProgress } from "./progress.mjs";
import { installSystemPackages } from "./system-packages.mjs";

/** Where Go's own archive and some distributions install it. */
const USUAL_FOLDERS = ["/usr/local/go/bin", "/usr/lib/go/bin"];

/** The first Go that downloads the toolchain in GOTOOLCHAIN by itself (https://go.dev/doc/toolchain). */
const FIRST_WITH_TOOLCHAINS = "1.21.0";

/** @type {import("./system-tools.mjs").Need} */
const GO = {
  tool: "go",
  why: "building the engine, which cannot be downloaded here",
  apt: "golang-go",
  dnf: "golang",
  apk: "go",
};

/**
 * @typedef {object} Go
 * @property {string} command
 * @property {Record<string, string>} env variables to add to its environment
 */

/**
 * @param {string} root the project's folder
 * @param {boolean} mayInstall whether Go may be installed if it is missing
 * @returns {Promise<Go>}
 */
export async function ensureGo(root, mayInstall) {
  const needed = neededGo(root);
  if (findGo() === null) await installSystemPackages(root, [GO], mayInstall);
  const command = findGo();
  if (command === null)
    throw new SetupError(
      "Go is installed but was not found. Add its folder to PATH and run the same command again.",
    );
  const installed = await versionOfGo(command);
  switch (toolchainSource(installed, needed)) {
    case "installed":
      return { command, env: { GOTOOLCHAIN: "local" } };
    case "automatic":
      log(`Go ${installed} will download Go ${needed}, which the engine needs`);
      return { command, env: { GOTOOLCHAIN: `go${needed}` } };
    case "module":
      return { command: await downloadToolchain(command, needed), env: { GOTOOLCHAIN: "local" } };
  }
}

/**
 * Where the toolchain for the build comes from.
 * @param {string} installed like `1.19.8`
 * @param {string} needed
 * @returns {"installed" | "automatic" | "module"} automatic: the installed Go downloads it; module: it must be
 *   downloaded with `go mod download`
 */
export function toolchainSource(installed, needed) {
  const version = parseGo(installed);
  if (compareVersions(version, parseGo(needed)) >= 0) return "installed";
  return compareVersions(version, parseGo(FIRST_WITH_TOOLCHAINS)) >= 0 ? "automatic" : "module";
}

/** @param {string} text like `1.26.8`, `1.22` or `1.27rc1` @returns {import("./engine-version.mjs").Version} */
function parseGo(text) {
  const [, major = "0", minor = "0", patch = "0"] =
    text.match(/^(\d+)(?:\.(\d+))?(?:\.(\d+))?/) ?? [];
  return parseVersion(`${major}.${minor}.${patch}`) ?? [0, 0, 0];
}

/** @param {string} root @returns {string} the `go` line of the engine's module */
function neededGo(root) {
  const text = readFileSync(join(root, "scripts", "setup", "engine", "cli", "go.mod"), "utf8");
  return text.match(/^go (\S+)$/m)?.[1] ?? "";
}

function findGo() {
  return findProgram("go", [...foldersOf(process.env["PATH"]), ...USUAL_FOLDERS]);
}

/** @param {string} command */
async function versionOfGo(command) {
  // `local`: `go version` must not download a toolchain, whatever the user's settings are.
  const env = { ...process.env, GOTOOLCHAIN: "local" };
  const outcome = await run(command, ["version"], { env, seconds: 30 });
  return outcome.stdout.match(/go version go(\S+)/)?.[1] ?? "0";
}

/**
 * Does what Go 1.21 and newer do by themselves: downloads the toolchain's module, checked against Go's checksum
 * database, and makes its programs executable, because modules have no file modes.
 * @param {string} command
 * @param {string} needed
 * @returns {Promise<string>} the path of the new go
 */
async function downloadToolchain(command, needed) {
  const platform = `linux-${arch() === "x64" ? "amd64" : arch()}`;
  const module = `golang.org/toolchain@v0.0.1-go${needed}.${platform}`;
  const env = { ...process.env, GOFLAGS: "", GO111MODULE: "on" };
  const outcome = await withProgress(
    `downloading Go ${needed}, because the installed Go is too old for the engine`,
    () => run(command, ["mod", "download", "-json", module], { env, cwd: "/", seconds: 600 }),
  );
  const folder = /** @type {string | undefined} */ (
    outcome.ok ? JSON.parse(outcome.stdout).Dir : undefined
  );
  if (folder === undefined) throw new SetupError(tooOldText(needed, outcome.output));
  for (const part of ["bin", join("pkg", "tool")]) makeExecutable(join(folder, part));
  return join(folder, "bin", "go");
}

/** @param {string} folder */
function makeExecutable(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) chmodSync(join(entry.parentPath ?? entry.path, entry.name), 0o755);
  }
}

/**
 * @param {string} needed
 * @param {string} output of the failed download
 */
function tooOldText(needed, output) {
  return (
    "The engine cannot be downloaded here, the installed Go is too old to build it, and a newer\n" +
    `Go cannot be downloaded either:\n${lastLines(output, 5)}\n` +
    `  Install Go ${needed} or newer (https://go.dev/dl, or your distribution's backports), or\n` +
    "  Pulumi (https://www.pulumi.com/docs/install), and run the same command again."
  );
}
