// The environment of the lab and the tests: PATH with the chosen Node, engine and plugin first. Pure.
import { delimiter, join } from "node:path";
import { SYSTEM_FOLDERS, foldersOf, isNpmBin } from "./find-program.mjs";

/**
 * @param {NodeJS.ProcessEnv} user
 * @param {object} facts
 * @param {string} facts.root the project's folder
 * @param {import("./engine.mjs").Engine | null} facts.engine null if there is none
 * @param {"real" | "stand-in" | null} facts.plugin
 * @param {string} facts.standInFolder added to PATH only for the stand-in
 * @param {string} facts.nodeFolder a folder that contains only the Node to use
 * @returns {NodeJS.ProcessEnv}
 */
export function preparedEnvironment(user, { root, engine, plugin, standInFolder, nodeFolder }) {
  const userFolders = foldersOf(user["PATH"]).filter((folder) => folder !== standInFolder);
  const folders = [
    nodeFolder,
    ...(plugin === "stand-in" ? [standInFolder] : []),
    ...(engine?.addToPath ? [engine.folder] : []),
    // npm puts its node_modules/.bin folders first, where the wrapper `pulumi` would hide an engine on PATH.
    ...userFolders.filter((folder) => !isNpmBin(folder)),
    ...SYSTEM_FOLDERS,
    join(root, "node_modules", ".bin"),
    ...userFolders.filter(isNpmBin),
  ];
  return {
    ...user,
    PATH: [...new Set(folders)].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Lab and tests start Node thousands of times; with the cache the Pulumi SDK loads in half the time.
    NODE_COMPILE_CACHE: join(root, ".setup", "compile-cache"),
    // Without internet, each run of the engine would spend seconds on a download that fails.
    ...(plugin === "stand-in" ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" } : {}),
  };
}
