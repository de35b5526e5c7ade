// Downloads the engine with the npm package `pulumi`, the CLI's official wrapper.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { isExecutable } from "./find-program.mjs";
import { installAtomically } from "./install-engine.mjs";
import { LANGUAGE_HOST, engineVersion } from "./pins.mjs";
import { log, withProgress } from "./progress.mjs";

/** For about 150 MB over a slow connection. Without internet it fails within seconds. */
const DOWNLOAD_SECONDS = 600;

/**
 * @param {string} root the project's folder
 * @param {string} target the folder for it, `$PULUMI_HOME/versions/VERSION`
 * @returns {Promise<boolean>} false if it cannot be downloaded here; the reason is logged
 */
export async function downloadEngine(root, target) {
  const version = engineVersion(root);
  return await installAtomically(target, async (temporaryFolder) => {
    // A home of its own: the wrapper does not unpack atomically, and takes an incomplete engine for a complete one.
    const env = {
      ...process.env,
      PULUMI_HOME: temporaryFolder,
      PULUMI_VERSION: version,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const wrapper = join(root, "node_modules", "pulumi", "run.js");
    const outcome = await withProgress(`downloading the engine, Pulumi ${version}`, () =>
      run(process.execPath, [wrapper, "version"], { env, seconds: DOWNLOAD_SECONDS }),
    );
    const engine = join(temporaryFolder, "versions", version);
    const programs = ["pulumi", LANGUAGE_HOST].map((name) => join(engine, "bin", name));
    if (outcome.ok && programs.every(isExecutable)) return engine;
    const reason = existsSync(engine)
      ? "the download is incomplete"
      : outcome.output.split("\n").at(-1);
    log(`the engine cannot be downloaded here (${reason})`);
    return null;
  });
}
