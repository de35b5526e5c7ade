// Pulumi's provider plugin `command`: the real one where it is or can be had, else the lab's stand-in.
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { findProgram, foldersOf, isExecutable } from "./find-program.mjs";
import { withLock } from "./lock.mjs";
import { recall, remember } from "./cache.mjs";
import { packageVersion, pulumiHome } from "./pins.mjs";
import { log, withProgress } from "./progress.mjs";

const PROGRAM = "pulumi-resource-command";
/** The plugin is some 20 MB; without a way out the CLI gives up by itself after about 10 s. */
const LONGEST_SECONDS = 180;
const HOURS_BEFORE_ASKING_AGAIN = 24;

/** The stand-in's folder in the project. @param {string} root */
export function standInFolder(root) {
  return join(root, "scripts", "lab", "command-plugin", "bin");
}

/**
 * @param {string} root the project's folder
 * @param {string} engineFolder
 * @returns {Promise<"real" | "stand-in">} a stand-in has to be put on PATH, and means that plugins cannot be downloaded here
 */
export async function ensureCommandPlugin(root, engineFolder) {
  const version = packageVersion(root, "@pulumi/command");
  const cli = join(engineFolder, "pulumi");
  if (isInstalled(root, version)) return "real";
  if (!downloadFailedRecently(root)) {
    await withLock(root, async () => {
      if (!isInstalled(root, version) && !downloadFailedRecently(root))
        await install(root, cli, version);
    });
  }
  if (isInstalled(root, version)) return "real";
  if (!isExecutable(join(standInFolder(root), PROGRAM))) {
    throw new SetupError(
      `The plugin command ${version} is not here, cannot be downloaded, and the lab's stand-in for it is missing (${standInFolder(root)}).\n` +
        `  Where there is internet: pulumi plugin install resource command ${version}`,
    );
  }
  log(
    `a stand-in takes the place of Pulumi's plugin command ${version}, which cannot be downloaded here (lab and tests only)`,
  );
  return "stand-in";
}

/** On PATH (the engine takes it from there, with a warning), or where the CLI installs plugins. @param {string} root @param {string} version */
function isInstalled(root, version) {
  const folders = foldersOf(process.env["PATH"]).filter((folder) => folder !== standInFolder(root));
  if (findProgram(PROGRAM, folders) !== null) return true;
  const folder = join(pulumiHome(), "plugins", `resource-command-v${version}`);
  // The CLI marks a plugin whose download was cut off so.
  return isExecutable(join(folder, PROGRAM)) && !existsSync(`${folder}.partial`);
}

/** @param {string} root @param {string} cli @param {string} version */
async function install(root, cli, version) {
  const env = {
    ...process.env,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PATH: [dirname(cli), process.env["PATH"]].join(delimiter),
  };
  const outcome = await withProgress(`installing the plugin command ${version}`, () =>
    run(cli, ["plugin", "install", "resource", "command", version], {
      env,
      seconds: LONGEST_SECONDS,
    }),
  );
  if (!outcome.ok) remember(root, "plugin download failed", new Date().toISOString(), [cli]);
}

/** @param {string} root */
function downloadFailedRecently(root) {
  const when = recall(root, "plugin download failed");
  return when !== null && Date.now() - Date.parse(when) < HOURS_BEFORE_ASKING_AGAIN * 3_600_000;
}
