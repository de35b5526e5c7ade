// Lets the npm package `pulumi`, the CLI's official wrapper, download the engine.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { isExecutable } from "./find-program.mjs";
import { LANGUAGE_HOST, engineVersion } from "./pins.mjs";
import { installAtomically } from "./install-engine.mjs";
import { log, withProgress } from "./progress.mjs";

/** A download of some 150 MB on a slow line; where there is no way out at all it fails within seconds. */
const LONGEST_SECONDS = 600;

/**
 * @param {string} root the project's folder
 * @param {string} place the folder for it, `$PULUMI_HOME/versions/VERSION`
 * @returns {Promise<boolean>} false when it cannot be downloaded here, which has been said then
 */
export async function downloadEngine(root, place) {
  const version = engineVersion(root);
  return await installAtomically(place, async (temporary) => {
    // The wrapper unpacks straight into its place and takes any `pulumi` there for whole; so it gets a home of its own first.
    const env = {
      ...process.env,
      PULUMI_HOME: temporary,
      PULUMI_VERSION: version,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const wrapper = join(root, "node_modules", "pulumi", "run.js");
    const outcome = await withProgress(`downloading the engine, Pulumi ${version}`, () =>
      run(process.execPath, [wrapper, "version"], { env, seconds: LONGEST_SECONDS }),
    );
    const finished = join(temporary, "versions", version);
    const isWhole = ["pulumi", LANGUAGE_HOST].every((name) =>
      isExecutable(join(finished, "bin", name)),
    );
    if (outcome.ok && isWhole) return finished;
    const reason = existsSync(finished)
      ? "the download is not whole"
      : outcome.output.split("\n").at(-1);
    log(`the engine cannot be downloaded here (${reason})`);
    return null;
  });
}
