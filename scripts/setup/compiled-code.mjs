// Keeps the compiled commands in dist/, and the compiled program, up to date with their sources.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { recall, remember } from "./cache.mjs";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { isLinked } from "./link-command.mjs";
import { withLock } from "./lock.mjs";
import { npmCommand } from "./npm-packages.mjs";
import { withProgress } from "./progress.mjs";

/** Files that decide how the sources are compiled. */
const SETTINGS = [
  ...["tsconfig.json", "tsconfig.build.json", "package.json", "package-lock.json"],
  ...["scripts/load-typescript.cjs", "scripts/bundle-push.cjs"],
];

/**
 * Compiles into dist/ if a source or a setting has changed since the last time, or an output is missing.
 * @param {string} root the project's folder
 */
export async function compile(root) {
  if (isCompiled(root)) return;
  await withLock(root, async () => {
    if (isCompiled(root)) return;
    // Computed before the build: a source that is saved during the build is compiled by the next run.
    const digest = digestOf(root);
    await withProgress("compiling the commands", () => build(root));
    remember(root, "compiled", digest, []);
  });
}

/** @param {string} root */
function isCompiled(root) {
  return (
    recall(root, "compiled") === digestOf(root) &&
    sourcesOf(root, COMMANDS).every((path) => existsSync(outputOf(root, path))) &&
    isLinked(root)
  );
}

const COMMANDS = ["mesh", "scripts"];

/** @param {string} root @param {string[]} folders @returns {string[]} paths relative to the root, sorted */
function sourcesOf(root, folders) {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true }).map((path) =>
        join(folder, String(path)),
      ),
    )
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".d.ts"))
    .sort();
}

/** @param {string} root @param {string} source */
function outputOf(root, source) {
  return join(root, "dist", source.replace(/\.ts$/, ".js"));
}

/**
 * Of the contents, because a checkout or a copy changes the modification times.
 * @param {string} root
 */
function digestOf(root) {
  const hash = createHash("sha256");
  const program = existsSync(join(root, "index.ts")) ? ["index.ts"] : [];
  for (const path of [...SETTINGS, ...program, ...sourcesOf(root, [...COMMANDS, "components"])]) {
    const content = readFileSync(join(root, path));
    hash.update(`${path} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}

/** @param {string} root */
async function build(root) {
  const [command, ...npmArgs] = npmCommand();
  const args = [...npmArgs, "run", "--silent", "build"];
  const outcome = await run(command, args, { cwd: root, seconds: 600 });
  if (outcome.ok) return;
  throw new SetupError(
    `The sources in mesh/ and scripts/ do not compile:\n${lastLines(outcome.output, 20)}\n` +
      "  Fix them and run the same command again (to compile only: npm run build).",
  );
}
