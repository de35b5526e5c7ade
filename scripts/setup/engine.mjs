// The engine: a suitable `pulumi` on PATH, else the SDK's version in its own place, where the npm package `pulumi` puts it by download and where Go puts it when that is not possible. So `npx pulumi` works either way.
import { dirname, join } from "node:path";
import { buildEngine } from "./build-with-go.mjs";
import { run } from "./child.mjs";
import { downloadEngine } from "./download-engine.mjs";
import { incompatibility } from "./engine-version.mjs";
import { findProgram, foldersOf, isExecutable, isNpmBin } from "./find-program.mjs";
import { withLock } from "./lock.mjs";
import { recall, remember } from "./cache.mjs";
import { LANGUAGE_HOST, engineHome, packageVersion } from "./pins.mjs";
import { log } from "./progress.mjs";

/**
 * @typedef {object} Engine
 * @property {string} folder where `pulumi` lies
 * @property {string} version
 * @property {boolean} addToPath whether the folder has to be put on PATH: false for one that was there already
 */

/**
 * The engine that is here, without fetching anything.
 * @param {string} root the project's folder
 * @returns {Promise<{ engine: Engine | null, refused: string | null }>} refused: why the `pulumi` on PATH is not used
 */
export async function findEngine(root) {
  const sdk = packageVersion(root, "@pulumi/pulumi");
  const folders = foldersOf(process.env["PATH"]).filter((folder) => !isNpmBin(folder));
  const onPath = findProgram("pulumi", folders);
  let refused = null;
  if (onPath !== null) {
    const version = await versionOf(root, onPath, folders);
    const unfit =
      version === null ? `has no ${LANGUAGE_HOST} beside it` : incompatibility(version, sdk);
    if (unfit === null)
      return {
        engine: { folder: dirname(onPath), version: String(version), addToPath: false },
        refused,
      };
    refused = `${onPath} ${unfit}`;
  }
  const folder = join(engineHome(root), "bin");
  const version = await versionOf(root, join(folder, "pulumi"), []);
  const fits = version !== null && incompatibility(version, sdk) === null;
  return { engine: fits ? { folder, version, addToPath: true } : null, refused };
}

/**
 * Finds the engine or brings it here.
 * @param {string} root
 * @param {boolean} mayInstall whether a missing Go may be installed
 * @returns {Promise<Engine>}
 */
export async function ensureEngine(root, mayInstall) {
  const found = await findEngine(root);
  if (found.engine !== null) return found.engine;
  return await withLock(root, async () => {
    const again = await findEngine(root);
    if (again.engine !== null) return again.engine;
    if (again.refused !== null) log(`not used: ${again.refused}`);
    const home = engineHome(root);
    if (!(await downloadEngine(root, home))) await buildEngine(root, home, mayInstall);
    const { engine } = await findEngine(root);
    if (engine === null) throw new Error(`the engine in ${home} does not start`);
    log(`the engine is here: Pulumi ${engine.version} in ${engine.folder}`);
    return engine;
  });
}

/**
 * What a CLI says its version is; asked once, then remembered as long as the files stay the same.
 * @param {string} root
 * @param {string} cli
 * @param {string[]} folders where else its language host may lie
 * @returns {Promise<string | null>} null when it is not whole: no CLI, no language host, or one that does not run
 */
async function versionOf(root, cli, folders) {
  const host = findProgram(LANGUAGE_HOST, [dirname(cli), ...folders]);
  if (!isExecutable(cli) || host === null) return null;
  const remembered = recall(root, `version of ${cli}`);
  if (remembered !== null) return remembered;
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const outcome = await run(cli, ["version"], { env, seconds: 30 });
  if (!outcome.ok) return null;
  remember(root, `version of ${cli}`, outcome.stdout, [cli, host]);
  return outcome.stdout;
}
