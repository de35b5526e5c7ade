// Finds a Go that can build the engine. A Go that is too old fetches the right one, which Go publishes as a module.
import { chmodSync, readdirSync, readFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { compareVersions, parseVersion } from "./engine-version.mjs";
import { SetupError } from "./errors.mjs";
import { findProgram, foldersOf } from "./find-program.mjs";
import { installSystemPackages } from "./system-packages.mjs";
import { log, withProgress } from "./progress.mjs";

/** Where Go's own archive is unpacked by its instructions, and where some distributions keep theirs. */
const USUAL_FOLDERS = ["/usr/local/go/bin", "/usr/lib/go/bin"];

/** From this one on, a Go fetches the toolchain that it is told to use by itself (https://go.dev/doc/toolchain). */
const KNOWS_TOOLCHAINS = "1.21.0";

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
 * @property {Record<string, string>} env what to add to its environment
 */

/**
 * @param {string} root the project's folder
 * @param {boolean} mayInstall whether a missing Go may be installed
 * @returns {Promise<Go>}
 */
export async function ensureGo(root, mayInstall) {
  const needed = neededGo(root);
  if (findGo() === null) await installSystemPackages(root, [GO], mayInstall);
  const command = findGo();
  if (command === null)
    throw new SetupError(
      `Go is installed but not found. Put its folder on PATH and run the same command again.`,
    );
  const here = await versionOfGo(command);
  switch (toolchainSource(here, needed)) {
    case "as it is":
      return { command, env: { GOTOOLCHAIN: "local" } };
    case "by itself":
      log(`Go ${here} will fetch Go ${needed}, which the engine needs`);
      return { command, env: { GOTOOLCHAIN: `go${needed}` } };
    case "as a module":
      return { command: await fetchToolchain(command, needed), env: { GOTOOLCHAIN: "local" } };
  }
}

/**
 * How a Go of one version gets to build what needs another.
 * @param {string} here like `1.19.8`
 * @param {string} needed
 * @returns {"as it is" | "by itself" | "as a module"}
 */
export function toolchainSource(here, needed) {
  const version = parseGo(here);
  if (compareVersions(version, parseGo(needed)) >= 0) return "as it is";
  return compareVersions(version, parseGo(KNOWS_TOOLCHAINS)) >= 0 ? "by itself" : "as a module";
}

/** @param {string} text like `1.26.8`, `1.22` or `1.27rc1` @returns {import("./engine-version.mjs").Version} */
function parseGo(text) {
  const [, major = "0", minor = "0", patch = "0"] =
    text.match(/^(\d+)(?:\.(\d+))?(?:\.(\d+))?/) ?? [];
  return parseVersion(`${major}.${minor}.${patch}`) ?? [0, 0, 0];
}

/** @param {string} root @returns {string} the `go` line of the engine's module */
export function neededGo(root) {
  const text = readFileSync(join(root, "scripts", "setup", "engine", "cli", "go.mod"), "utf8");
  return text.match(/^go (\S+)$/m)?.[1] ?? "";
}

function findGo() {
  return findProgram("go", [...foldersOf(process.env["PATH"]), ...USUAL_FOLDERS]);
}

/** @param {string} command */
async function versionOfGo(command) {
  // `local`: asking must not make it download anything, whatever the user's settings are.
  const outcome = await run(command, ["version"], {
    env: { ...process.env, GOTOOLCHAIN: "local" },
    seconds: 30,
  });
  return outcome.stdout.match(/go version go(\S+)/)?.[1] ?? "0";
}

/**
 * Does by hand what a newer Go does by itself: gets the toolchain's module, checked against Go's checksum database,
 * and makes its programs executable, which modules cannot be.
 * @param {string} command
 * @param {string} needed
 * @returns {Promise<string>} the path of the new go
 */
async function fetchToolchain(command, needed) {
  const platform = `linux-${arch() === "x64" ? "amd64" : arch()}`;
  const module = `golang.org/toolchain@v0.0.1-go${needed}.${platform}`;
  const env = { ...process.env, GOFLAGS: "", GO111MODULE: "on" };
  const outcome = await withProgress(
    `fetching Go ${needed}, since the one here is too old for the engine`,
    () => run(command, ["mod", "download", "-json", module], { env, cwd: "/", seconds: 600 }),
  );
  const folder = /** @type {string | undefined} */ (
    outcome.ok ? JSON.parse(outcome.stdout).Dir : undefined
  );
  if (folder === undefined) throw new SetupError(goRemedy(needed, outcome.output));
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
 * @param {string} said
 */
function goRemedy(needed, said) {
  return (
    `The engine cannot be downloaded here, and the Go that could build it is too old. It said:\n${lastLines(said, 5)}\n` +
    `  Install Go ${needed} or newer (https://go.dev/dl, or your distribution's backports), or Pulumi itself (https://www.pulumi.com/docs/install), and run the same command again.`
  );
}
