// The engine: a compatible `pulumi` on PATH, else one of the SDK's version in the folder that `npx pulumi` uses,
// downloaded or built with Go.
import { dirname, join } from "node:path";
import { buildEngine } from "./build-with-go.mjs";
import { recall, remember } from "./cache.mjs";
import { run } from "./child.mjs";
import { downloadEngine } from "./download-engine.mjs";
import { incompatibility } from "./engine-version.mjs";
import { findProgram, foldersOf, isExecutable, isNpmBin } from "./find-program.mjs";
import { withLock } from "./lock.mjs";
import { LANGUAGE_HOST, engineHome, packageVersion } from "./pins.mjs";
import { log } from "./progress.mjs";

/**
 * @typedef {object} Engine
 * @property {string} folder of the program `pulumi`
 * @property {string} version
 * @property {boolean} addToPath false if the folder is on PATH already
 */

/**
 * Finds an installed engine.
 * @param {string} root the project's folder
 * @returns {Promise<{ engine: Engine | null, rejected: string | null }>} rejected: why the `pulumi` on PATH is not used
 */
export async function findEngine(root) {
  const sdk = packageVersion(root, "@pulumi/pulumi");
  const folders = foldersOf(process.env["PATH"]).filter((folder) => !isNpmBin(folder));
  const onPath = findProgram("pulumi", folders);
  let rejected = null;
  if (onPath !== null) {
    const version = await versionOf(root, onPath, folders);
    const reason =
      version === null ? `does not run, or has no ${LANGUAGE_HOST}` : incompatibility(version, sdk);
    if (reason === null) {
      const engine = { folder: dirname(onPath), version: String(version), addToPath: false };
      return { engine, rejected };
    }
    rejected = `${onPath} ${reason}`;
  }
  const folder = join(engineHome(root), "bin");
  const version = await versionOf(root, join(folder, "pulumi"), []);
  const isCompatible = version !== null && incompatibility(version, sdk) === null;
  return { engine: isCompatible ? { folder, version, addToPath: true } : null, rejected };
}

/**
 * Finds the engine, or installs it.
 * @param {string} root the project's folder
 * @param {boolean} mayInstall whether Go may be installed if it is needed and missing
 * @returns {Promise<Engine>}
 */
export async function ensureEngine(root, mayInstall) {
  const found = await findEngine(root);
  if (found.engine !== null) return found.engine;
  return await withLock(root, async () => {
    const again = await findEngine(root);
    if (again.engine !== null) return again.engine;
    if (again.rejected !== null) log(`not used: ${again.rejected}`);
    const home = engineHome(root);
    if (!(await downloadEngine(root, home))) await buildEngine(root, home, mayInstall);
    const { engine } = await findEngine(root);
    if (engine === null) throw new Error(`the engine in ${home} does not start`);
    log(`installed the engine, Pulumi ${engine.version}, in ${engine.folder}`);
    return engine;
  });
}

/**
 * The CLI's version, cached until its files change.
 * @param {string} root the project's folder
 * @param {string} cli
 * @param {string[]} folders where its language host may be, other than next to it
 * @returns {Promise<string | null>} null if the CLI or its language host is missing, or the CLI does not run
 */
async function versionOf(root, cli, folders) {
  const host = findProgram(LANGUAGE_HOST, [dirname(cli), ...folders]);
  if (!isExecutable(cli) || host === null) return null;
  const name = `version of ${cli}`;
  const cached = recall(root, name);
  if (cached !== null) return cached;
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const outcome = await run(cli, ["version"], { env, seconds: 30 });
  if (!outcome.ok) return null;
  remember(root, name, outcome.stdout, [cli, host]);
  return outcome.stdout;
}
