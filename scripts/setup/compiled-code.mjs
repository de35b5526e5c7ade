// The compiled commands and push program in dist/, kept equal to their sources: nobody ever runs stale code.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { isLinked } from "./link-command.mjs";
import { withLock } from "./lock.mjs";
import { recall, remember } from "./cache.mjs";
import { npmCommand } from "./npm-packages.mjs";
import { withProgress } from "./progress.mjs";

/** What decides how the sources are compiled. */
const SETTINGS = ["tsconfig.json", "tsconfig.build.json", "package.json", "package-lock.json"];

/**
 * Compiles into dist/ when a source or a setting has other content than at the last time, or an output has gone.
 * @param {string} root the project's folder
 */
export async function compile(root) {
  if (isCompiled(root)) return;
  await withLock(root, async () => {
    if (isCompiled(root)) return;
    // Taken before, so that a source saved while the compiler reads makes the next run compile again.
    const digest = digestOf(root, sourcesOf(root));
    await withProgress("compiling the commands", () => build(root));
    remember(root, "compiled", digest, []);
  });
}

/** @param {string} root */
function isCompiled(root) {
  const sources = sourcesOf(root);
  return (
    recall(root, "compiled") === digestOf(root, sources) &&
    sources.every((path) => existsSync(outputOf(root, path))) &&
    isLinked(root)
  );
}

/** @param {string} root @returns {string[]} paths below the root, sorted */
function sourcesOf(root) {
  return ["mesh", "scripts"]
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
 * By content, not by time: a checkout or a copy changes times and a digest of this little text costs nothing.
 * @param {string} root
 * @param {string[]} sources
 */
function digestOf(root, sources) {
  const hash = createHash("sha256");
  for (const path of [...SETTINGS, ...sources]) {
    const content = readFileSync(join(root, path));
    hash.update(`${path} ${content.length}\n`).update(content);
  }
  return hash.digest("hex");
}

/** @param {string} root */
async function build(root) {
  const [command, ...before] = npmCommand();
  const outcome = await run(command, [...before, "run", "--silent", "build"], {
    cwd: root,
    seconds: 600,
  });
  if (outcome.ok) return;
  throw new SetupError(
    `The sources under mesh/ and scripts/ do not compile:\n${lastLines(outcome.output, 20)}\n  Mend them and run the same command again (npm run build shows this alone).`,
  );
}
