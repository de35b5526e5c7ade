// Installs missing system packages on Debian and Ubuntu as root; elsewhere fails with the command that installs them.
import { readFileSync } from "node:fs";
import { lastLines, run } from "./child.mjs";
import { SetupError } from "./errors.mjs";
import { isAvailable } from "./find-program.mjs";
import { uninterruptible } from "./interrupts.mjs";
import { withLock } from "./lock.mjs";
import { log, withProgress } from "./progress.mjs";
import { withoutStartingSshd } from "./sshd-service.mjs";
import { distributionOf, listOf, missingText, packagesFor } from "./system-tools.mjs";

/** @typedef {import("./system-tools.mjs").Need} Need */

/**
 * @param {string} root the project's folder
 * @param {Need[]} needs
 * @param {boolean} mayInstall false with --no-install
 */
export async function installSystemPackages(root, needs, mayInstall) {
  if (missingOf(needs).length === 0) return;
  if (!canInstall(mayInstall)) {
    const circumstances = { isRoot: isRoot(), mayInstall };
    throw new SetupError(missingText(missingOf(needs), thisDistribution(), circumstances));
  }
  await withLock(root, async () => {
    const missing = missingOf(needs);
    if (missing.length > 0) await aptInstall(missing);
  });
}

/**
 * Whether the set-up can install system packages here.
 * @param {boolean} mayInstall false with --no-install
 */
export function canInstall(mayInstall) {
  return mayInstall && isRoot() && thisDistribution().family === "debian";
}

function isRoot() {
  return process.getuid?.() === 0;
}

/** The distribution according to os-release(5). */
function thisDistribution() {
  for (const file of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return distributionOf(readFileSync(file, "utf8"));
    } catch {
      // Try the next path.
    }
  }
  return distributionOf("");
}

/** @param {Need[]} needs */
function missingOf(needs) {
  return needs.filter((one) => !isAvailable(one.tool));
}

/** @param {Need[]} missing */
async function aptInstall(missing) {
  const packages = packagesFor(missing, "debian");
  log(`these programs are missing:\n${listOf(missing)}`);
  const install = () =>
    withProgress(`installing with apt-get: ${packages.join(" ")}`, () => apt(packages));
  const includesSshd = packages.includes("openssh-server");
  const output = await uninterruptible(includesSshd ? withoutStartingSshd(install) : install());
  const left = missingOf(missing);
  if (left.length === 0) return;
  const names = packagesFor(left, "debian");
  throw new SetupError(
    `apt-get could not install these programs:\n${listOf(left)}\n` +
      `Its output:\n${lastLines(output, 12)}\n` +
      `  Install them with: apt-get update && apt-get install ${names.join(" ")}`,
  );
}

/**
 * Updates the package lists only if the installation fails without. An update that fails for some lists is no error:
 * the packages may be in the others.
 * @param {string[]} packages
 * @returns {Promise<string>} the output of the last apt-get install
 */
async function apt(packages) {
  const install = ["install", "-y", "--no-install-recommends", ...packages];
  const first = await aptGet(install);
  if (first.ok) return first.output;
  await aptGet(["update"]);
  return (await aptGet(install)).output;
}

/** @param {string[]} args */
function aptGet(args) {
  return run("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=300", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C.UTF-8" },
    seconds: 1800,
  });
}
