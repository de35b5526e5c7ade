// Builds the engine with Go, for machines that cannot download it. The modules' versions and checksums are in
// engine/cli and engine/language-host.
import { existsSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { ensureGo } from "./go-toolchain.mjs";
import { installAtomically } from "./install-engine.mjs";
import { LANGUAGE_HOST, engineVersion } from "./pins.mjs";
import { log, withProgress } from "./progress.mjs";

const CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const HOST_PACKAGE = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
/** Set by the linker; without it `pulumi version` prints an empty line, which the Automation API rejects. */
const VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

const NEEDED_GIB = 5;
/** The number of packages that `go list -deps` lists for both programs; only for the progress line. */
const PACKAGES = 1950;

/**
 * Builds the CLI and its language host.
 * @param {string} root the project's folder
 * @param {string} target the folder for them, `$PULUMI_HOME/versions/VERSION`
 * @param {boolean} mayInstall whether Go may be installed if it is missing
 */
export async function buildEngine(root, target, mayInstall) {
  const go = await ensureGo(root, mayInstall);
  const env = buildEnvironment(process.env, go.env);
  warnIfDiskIsFull(env["GOCACHE"] || String(env["HOME"]));
  await installAtomically(target, async (temporaryFolder) => {
    const engine = join(temporaryFolder, "engine");
    // GOTMPDIR: Go's temporary files may not fit into /tmp, and are removed here even if Go is killed.
    const buildEnv = { ...env, GOTMPDIR: temporaryFolder };
    await buildPrograms({ root, command: go.command, env: buildEnv, bin: join(engine, "bin") });
    return engine;
  });
}

/** @param {{ root: string, command: string, env: NodeJS.ProcessEnv, bin: string }} options */
async function buildPrograms({ root, command, env, bin }) {
  const version = engineVersion(root);
  let compiled = 0;
  /** `go build -v` prints one line per package. @param {Buffer} chunk */
  const onStderr = (chunk) => (compiled += chunk.toString().split("\n").length - 1);
  /** @param {string} module @param {string} program @param {string} flags @param {string} source */
  const build = (module, program, flags, source) => {
    const folder = join(root, "scripts", "setup", "engine", module);
    const args = ["-v", "-ldflags", flags, "-o", join(bin, program), source];
    return goBuild({ command, env, onStderr, folder }, args);
  };
  await withProgress(
    `building the engine, Pulumi ${version}, with Go (once; about 5 minutes on 2 idle cores)`,
    async () => {
      await build("language-host", LANGUAGE_HOST, "-s -w", HOST_PACKAGE);
      await build("cli", "pulumi", `-s -w -X ${VERSION_VARIABLE}=${version}`, CLI_PACKAGE);
    },
    () => (compiled > 0 ? `, ${compiled} of about ${PACKAGES} packages` : ""),
  );
}

/**
 * The environment of a reproducible build: independent of the user's Go settings, except for where modules come from.
 * @param {NodeJS.ProcessEnv} user
 * @param {Record<string, string>} toolchain
 * @returns {NodeJS.ProcessEnv}
 */
export function buildEnvironment(user, toolchain) {
  return {
    ...user,
    HOME: user["HOME"] || homedir(), // Go's caches are there; it fails without HOME
    GO111MODULE: "on",
    GOWORK: "off",
    GOFLAGS: "-mod=readonly -buildvcs=false", // buildvcs: git fails in a folder of another owner
    CGO_ENABLED: "0", // no C compiler needed; Pulumi's releases are built this way too
    GOOS: "",
    GOARCH: "",
    ...toolchain,
  };
}

/**
 * @param {{ command: string, env: NodeJS.ProcessEnv, onStderr: (chunk: Buffer) => void, folder: string }} go
 *   folder: the module's
 * @param {string[]} args
 */
async function goBuild({ command, env, onStderr, folder }, args) {
  const options = { cwd: folder, env, onStderr, seconds: 3600 };
  const outcome = await run(command, ["build", ...args], options);
  if (outcome.ok) return;
  // Lines without a space are the names of packages.
  const errors = outcome.output.split("\n").filter((line) => line.includes(" "));
  throw new SetupError(
    `Go could not build the engine:\n${lastLines(errors.join("\n"), 12)}\n` +
      "  If a module could not be fetched, check the network or GOPROXY and run the same command\n" +
      "  again: packages that are compiled already are kept.\n" +
      "  Or install Pulumi: https://www.pulumi.com/docs/install",
  );
}

/** Only warns, because a build with warm caches needs less. @param {string} folder */
function warnIfDiskIsFull(folder) {
  if (!existsSync(folder)) return;
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 2 ** 30;
  if (free >= NEEDED_GIB) return;
  log(
    `${folder} has ${free.toFixed(1)} GiB free; the build may need ${NEEDED_GIB} GiB.\n` +
      "  To use another disk: export GOCACHE=/path GOMODCACHE=/path",
  );
}
