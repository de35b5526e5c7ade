// The environment in which the lab and the tests run: the engine that was chosen, and nothing that would shadow it. Pure.
import { delimiter, join } from "node:path";
import { SYSTEM_FOLDERS, foldersOf, isNpmBin } from "./find-program.mjs";

/**
 * @param {NodeJS.ProcessEnv} user
 * @param {object} facts
 * @param {string} facts.root the project's folder
 * @param {import("./engine.mjs").Engine | null} facts.engine null where none could be had
 * @param {"real" | "stand-in" | null} facts.plugin
 * @param {string} facts.standInFolder on PATH only when the plugin is the stand-in
 * @param {string} facts.nodeFolder a folder with the Node to use and nothing else
 * @returns {NodeJS.ProcessEnv}
 */
export function preparedEnvironment(user, { root, engine, plugin, standInFolder, nodeFolder }) {
  const users = foldersOf(user["PATH"]).filter((folder) => folder !== standInFolder);
  const folders = [
    nodeFolder,
    ...(plugin === "stand-in" ? [standInFolder] : []),
    ...(engine?.addToPath ? [engine.folder] : []),
    // npm puts node_modules/.bin folders first, where the wrapper `pulumi` would shadow an engine on PATH; so they go last.
    ...users.filter((folder) => !isNpmBin(folder)),
    ...SYSTEM_FOLDERS,
    join(root, "node_modules", ".bin"),
    ...users.filter(isNpmBin),
  ];
  return {
    ...user,
    PATH: [...new Set(folders)].join(delimiter),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // Where downloads do not work, each run of the engine would lose seconds trying.
    ...(plugin === "stand-in" ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" } : {}),
  };
}
