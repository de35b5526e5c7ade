// Installs the system packages that are missing, on Debian and Ubuntu as root, after saying which; elsewhere says what to do.
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
 * Sees to it that all these programs are on the machine.
 * @param {string} root the project's folder
 * @param {Need[]} needs
 * @param {boolean} mayInstall false with --no-install
 */
export async function installSystemPackages(root, needs, mayInstall) {
  if (missing(needs).length === 0) return;
  if (!canInstall(mayInstall)) {
    const circumstances = { isRoot: isRoot(), mayInstall };
    throw new SetupError(missingText(missing(needs), thisDistribution(), circumstances));
  }
  await withLock(root, async () => {
    const absent = missing(needs);
    if (absent.length > 0) await aptInstall(absent);
  });
}

/**
 * Whether this run installs packages by itself.
 * @param {boolean} mayInstall
 */
export function canInstall(mayInstall) {
  return mayInstall && isRoot() && thisDistribution().family === "debian";
}

function isRoot() {
  return process.getuid?.() === 0;
}

function thisDistribution() {
  for (const file of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return distributionOf(readFileSync(file, "utf8"));
    } catch {
      // The next one, then none: a system without os-release(5).
    }
  }
  return distributionOf("");
}

/** @param {Need[]} needs */
function missing(needs) {
  return needs.filter((one) => !isAvailable(one.tool));
}

/** @param {Need[]} absent */
async function aptInstall(absent) {
  const packages = packagesFor(absent, "debian");
  log(`these programs are missing:\n${listOf(absent)}`);
  const install = () =>
    withProgress(`installing with apt-get: ${packages.join(" ")}`, () => apt(packages));
  const bringsSshd = packages.includes("openssh-server");
  const said = await uninterruptible(bringsSshd ? withoutStartingSshd(install) : install());
  const left = absent.filter((one) => !isAvailable(one.tool));
  if (left.length === 0) return;
  throw new SetupError(
    `apt-get could not bring these programs:\n${listOf(left)}\nIt said:\n${lastLines(said, 12)}\n` +
      `  See to it by hand: apt-get update && apt-get install ${packagesFor(left, "debian").join(" ")}`,
  );
}

/**
 * First with the package lists that are there, and only when that fails with fresh ones. An update that could not fetch
 * some foreign list is no reason to stop: what counts is whether the packages can be had after it.
 * @param {string[]} packages
 * @returns {Promise<string>} what apt-get said at last
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
