// Pulumi's provider plugin `command`: the real one if it is installed or can be downloaded, else the lab's stand-in.
import { existsSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { recall, remember } from "./cache.mjs";
import { run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { findProgram, foldersOf, isExecutable } from "./find-program.mjs";
import { withLock } from "./lock.mjs";
import { packageVersion, pulumiHome } from "./pins.mjs";
import { log, withProgress } from "./progress.mjs";

const PROGRAM = "pulumi-resource-command";
/** For a download of about 20 MB. Without internet the CLI fails after about 10 s. */
const DOWNLOAD_SECONDS = 180;
const RETRY_HOURS = 24;
const FAILURE = "plugin download failed";

/** The stand-in's folder in the project. @param {string} root */
export function standInFolder(root) {
  return join(root, "scripts", "lab", "command-plugin", "bin");
}

/**
 * @param {string} root the project's folder
 * @param {string} engineFolder
 * @returns {Promise<"real" | "stand-in">} stand-in: plugins cannot be downloaded, and its folder must be added to PATH
 */
export async function ensureCommandPlugin(root, engineFolder) {
  const version = packageVersion(root, "@pulumi/command");
  const cli = join(engineFolder, "pulumi");
  const needsDownload = () => !isInstalled(root, version) && !downloadFailedRecently(root);
  if (needsDownload()) {
    await withLock(root, async () => {
      if (needsDownload()) await install(root, cli, version);
    });
  }
  if (isInstalled(root, version)) return "real";
  if (!isExecutable(join(standInFolder(root), PROGRAM))) {
    throw new SetupError(
      `The plugin command ${version} is not installed and cannot be downloaded, and the lab's\n` +
        `stand-in for it is missing (${standInFolder(root)}).\n` +
        `  With internet access: pulumi plugin install resource command ${version}`,
    );
  }
  log(
    `the plugin command ${version} cannot be downloaded here; the lab and the tests use a stand-in`,
  );
  return "stand-in";
}

/** The engine looks on PATH, then in the CLI's plugin folder. @param {string} root @param {string} version */
function isInstalled(root, version) {
  const folders = foldersOf(process.env["PATH"]).filter((folder) => folder !== standInFolder(root));
  if (findProgram(PROGRAM, folders) !== null) return true;
  const folder = join(pulumiHome(), "plugins", `resource-command-v${version}`);
  // The CLI's .partial file marks an incomplete download.
  return isExecutable(join(folder, PROGRAM)) && !existsSync(`${folder}.partial`);
}

/** @param {string} root @param {string} cli @param {string} version */
async function install(root, cli, version) {
  const env = {
    ...process.env,
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PATH: [dirname(cli), process.env["PATH"]].join(delimiter),
  };
  const args = ["plugin", "install", "resource", "command", version];
  const outcome = await withProgress(`installing the plugin command ${version}`, () =>
    run(cli, args, { env, seconds: DOWNLOAD_SECONDS }),
  );
  if (!outcome.ok) remember(root, FAILURE, new Date().toISOString(), [cli]);
}

/** @param {string} root */
function downloadFailedRecently(root) {
  const when = recall(root, FAILURE);
  return when !== null && Date.now() - Date.parse(when) < RETRY_HOURS * 3_600_000;
}
