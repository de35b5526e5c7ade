// Builds the engine with Go from its published modules, for machines that cannot download it.
// The modules' exact versions and checksums are those of engine/cli and engine/language-host.
import { existsSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { ensureGo } from "./go-toolchain.mjs";
import { LANGUAGE_HOST, engineVersion } from "./pins.mjs";
import { installAtomically } from "./install-engine.mjs";
import { log, withProgress } from "./progress.mjs";

const CLI_PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi";
const HOST_PACKAGE = "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs";
/** The version stands in the CLI only when the linker puts it there; without it, it prints an empty line and the Automation API refuses it. */
const VERSION_VARIABLE = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

const NEEDED_GIB = 5;
/** What `go list -deps` counts for the CLI, and what the language host has compiled before it; for the progress line only. */
const PACKAGES = 1950;

/**
 * Builds the CLI and its language host and puts both into the place.
 * @param {string} root the project's folder
 * @param {string} place the folder for them, `$PULUMI_HOME/versions/VERSION`
 * @param {boolean} mayInstall whether Go may be installed when it is missing
 */
export async function buildEngine(root, place, mayInstall) {
  const go = await ensureGo(root, mayInstall);
  const env = buildEnvironment(process.env, go.env);
  warnOfLittleSpace(env["GOCACHE"] || String(env["HOME"]));
  await installAtomically(place, async (temporary) => {
    const finished = join(temporary, "engine");
    // Go's scratch files too: they go with the temporary when the build is cut off, and need no room in /tmp.
    const how = { root, command: go.command, env: { ...env, GOTMPDIR: temporary } };
    await compileBoth({ ...how, bin: join(finished, "bin") });
    return finished;
  });
}

/** @param {{ root: string, command: string, env: NodeJS.ProcessEnv, bin: string }} how */
async function compileBoth({ root, command, env, bin }) {
  const version = engineVersion(root);
  let compiled = 0;
  /** `go build -v` names each package on a line of its own. @param {Buffer} text */
  const onStderr = (text) => (compiled += text.toString().split("\n").length - 1);
  /** @param {string} module @param {string} target @param {string} flags @param {string} source */
  const build = (module, target, flags, source) =>
    goBuild({ command, env, onStderr, module: join(root, "scripts", "setup", "engine", module) }, [
      ...["-v", "-ldflags", flags, "-o", join(bin, target), source],
    ]);
  await withProgress(
    `building the engine, Pulumi ${version}, with Go, this once (some 5 minutes on 2 idle cores)`,
    async () => {
      await build("language-host", LANGUAGE_HOST, "-s -w", HOST_PACKAGE);
      await build("cli", "pulumi", `-s -w -X ${VERSION_VARIABLE}=${version}`, CLI_PACKAGE);
    },
    () => (compiled > 0 ? `, ${compiled} of about ${PACKAGES} packages` : ""),
  );
}

/**
 * The environment for a build that depends on the modules only and not on the user's settings for Go.
 * @param {NodeJS.ProcessEnv} user
 * @param {Record<string, string>} toolchain
 * @returns {NodeJS.ProcessEnv}
 */
export function buildEnvironment(user, toolchain) {
  return {
    ...user,
    HOME: user["HOME"] || homedir(), // Go keeps its caches there and refuses to work without
    GO111MODULE: "on",
    GOWORK: "off",
    GOFLAGS: "-mod=readonly -buildvcs=false", // no go.mod rewritten, and git's opinion of the folder's owner not asked
    CGO_ENABLED: "0", // no C compiler needed; Pulumi's own releases are built so too
    GOOS: "",
    GOARCH: "",
    ...toolchain,
  };
}

/**
 * @param {{ command: string, env: NodeJS.ProcessEnv, onStderr: (text: Buffer) => void, module: string }} go
 * @param {string[]} args
 */
async function goBuild({ command, env, onStderr, module }, args) {
  const outcome = await run(command, ["build", ...args], {
    cwd: module,
    env,
    onStderr,
    seconds: 3600,
  });
  if (outcome.ok) return;
  const trouble = outcome.output.split("\n").filter((line) => line.includes(" ")); // not the names of packages
  throw new SetupError(
    `Go could not build the engine. It said:\n${lastLines(trouble.join("\n"), 12)}\n` +
      "  If a module could not be fetched, see to the network or GOPROXY and run the same command again: what is built already is kept.\n" +
      "  Or install Pulumi itself: https://www.pulumi.com/docs/install",
  );
}

/** Better told at once than after four minutes; no more than a warning, since warm caches need less. @param {string} folder */
function warnOfLittleSpace(folder) {
  if (!existsSync(folder)) return;
  const { bavail, bsize } = statfsSync(folder);
  const free = (bavail * bsize) / 2 ** 30;
  if (free >= NEEDED_GIB) return;
  log(
    `${folder} has ${free.toFixed(1)} GiB left; the build may take ${NEEDED_GIB} GiB (another disk: export GOCACHE=/path GOMODCACHE=/path)`,
  );
}
