// The whole set-up: Node, npm packages, compiled code, system packages, engine, plugin; then the lab, the bench or the tests.
// Each step is skipped if its result exists.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { USAGE, parseCommandLine, suiteOf } from "./command-line.mjs";
import { ensureCommandPlugin, standInFolder } from "./command-plugin.mjs";
import { compile } from "./compiled-code.mjs";
import { ensureEngine, findEngine } from "./engine.mjs";
import { preparedEnvironment } from "./environment.mjs";
import { SetupError, UnsuitableMachine } from "./errors.mjs";
import { isAvailable } from "./find-program.mjs";
import { runInherited } from "./run-node.mjs";
import { watchForInterrupts } from "./interrupts.mjs";
import {
  kernelHasWireguard,
  namespaceObstacle,
  tunnelObstacle,
  userObstacle,
} from "./lab-obstacle.mjs";
import { MAJORS, ensureNode, majorToFetch, nodeFolder } from "./node.mjs";
import { installNpmPackages } from "./npm-packages.mjs";
import { log } from "./progress.mjs";
import { runTests } from "./run-tests.mjs";
import { canInstall, installSystemPackages } from "./system-packages.mjs";
import { toolsFor } from "./system-tools.mjs";
import { allTestFiles, selectFiles } from "./test-jobs.mjs";
import { ensureVirtualMachines } from "./virtual-machines.mjs";

/** @typedef {import("./command-line.mjs").Request} Request */

const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/** @param {string[]} argv without node and script */
export async function main(argv) {
  const request = parseCommandLine(argv);
  if (request === null || (request.node !== null && !MAJORS.includes(request.node))) {
    process.stderr.write(USAGE);
    process.exitCode = 2;
    return;
  }
  const stopWatching = watchForInterrupts();
  try {
    const major = majorToFetch(process.versions.node, request.node);
    if (major !== null) {
      const node = await ensureNode(ROOT, major);
      stopWatching();
      await replaceWith([fileURLToPath(new URL("run.mjs", import.meta.url)), ...argv], node);
      return;
    }
    await installNpmPackages(ROOT);
    await compile(ROOT);
    const start = request.what === "test" ? await prepareTests(request) : await prepareLab(request);
    stopWatching();
    await start();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    process.stderr.write(`\nset-up: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** @param {Request} request @returns {Promise<() => Promise<void>>} starts the command of the lab or the bench */
async function prepareLab(request) {
  const onlyHelp = request.args.some((word) => word === "--help" || word === "-h");
  const env = onlyHelp ? environment({ engine: null, plugin: null }) : await ensureLab(request);
  if (!onlyHelp && request.virtualMachines) await ensureVirtualMachines(ROOT, request.mayInstall);
  const program = join(ROOT, "dist", "scripts", request.what, "main.js");
  if (!existsSync(program))
    throw new SetupError(`${program} is missing; scripts/${request.what}/main.ts is its source.`);
  return () => replaceWith([program, ...request.args], process.execPath, { cwd: ROOT, env });
}

/**
 * Runs a script in place of this process: same terminal, same exit code.
 * @param {string[]} args
 * @param {string} node
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} where
 */
async function replaceWith(args, node, where = { cwd: process.cwd(), env: process.env }) {
  const ended = await runInherited(args, { ...where, node });
  if (ended.signal) process.kill(process.pid, ended.signal);
  process.exitCode = ended.code;
}

/**
 * If the set-up of the lab or of the virtual machines fails, only the tests that need it fail.
 * @param {Request} request
 * @returns {Promise<() => Promise<void>>} runs the tests
 */
async function prepareTests(request) {
  const suites = new Set(selectFiles(allTestFiles(ROOT), request).map(suiteOf));
  let env = environment({ engine: null, plugin: null });
  await installTestTools(request);
  const lab = await obstacleOf(async () => {
    if (suites.has("lab") || suites.has("vm")) env = await ensureLab(request);
  });
  const vm = await obstacleOf(async () => {
    if (lab === null && suites.has("vm")) await ensureVirtualMachines(ROOT, request.mayInstall);
  });
  // An explicit request for lab tests fails; the quick run only reports what it leaves out.
  const leftOut = request.tests === "quick" && lab instanceof UnsuitableMachine;
  const obstacles = { lab: lab?.message ?? null, vm: (lab ?? vm)?.message ?? null, leftOut };
  return async () => {
    process.exitCode = await runTests({ root: ROOT, env, request, obstacles });
  };
}

/** @param {() => Promise<void>} work @returns {Promise<SetupError | null>} what it threw */
async function obstacleOf(work) {
  try {
    await work();
    return null;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return error;
  }
}

/** A missing tool is no error here: the unit tests that need it report it. @param {Request} request */
async function installTestTools(request) {
  const needs = toolsFor({ lab: false, tests: true, kernelHasWireguard: true, downloads: false });
  try {
    await installSystemPackages(ROOT, needs, request.mayInstall);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    log(error.message);
  }
}

/** @param {Request} request @returns {Promise<NodeJS.ProcessEnv>} */
async function ensureLab(request) {
  refuse(userObstacle());
  const needs = toolsFor({
    lab: true,
    tests: false,
    kernelHasWireguard: isAvailable("wireguard-go") || (await kernelHasWireguard()),
    // Only where they can be installed: without them, Go may still build the engine.
    downloads: canInstall(request.mayInstall) && (await findEngine(ROOT)).engine === null,
  });
  await installSystemPackages(ROOT, needs, request.mayInstall);
  refuse(await namespaceObstacle());
  refuse(await tunnelObstacle());
  const engine = await ensureEngine(ROOT, request.mayInstall);
  const plugin = await ensureCommandPlugin(ROOT, engine.folder);
  return environment({ engine, plugin });
}

/** @param {string | null} obstacle */
function refuse(obstacle) {
  if (obstacle !== null) throw new UnsuitableMachine(`The lab cannot run here: ${obstacle}`);
}

/** @param {{ engine: import("./engine.mjs").Engine | null, plugin: "real" | "stand-in" | null }} found */
function environment(found) {
  return preparedEnvironment(process.env, {
    ...found,
    root: ROOT,
    standInFolder: standInFolder(ROOT),
    nodeFolder: nodeFolder(ROOT, process.execPath, process.versions.node),
  });
}
