// QEMU and the disk image of the lab's virtual machines: only for the scenario and the tests that boot one.
import { join } from "node:path";
import { SetupError } from "./errors.mjs";
import { runInherited } from "./run-node.mjs";
import { log } from "./progress.mjs";
import { installSystemPackages } from "./system-packages.mjs";
import { toolsFor } from "./system-tools.mjs";

/**
 * @param {string} root the project's folder
 * @param {boolean} mayInstall false with --no-install
 */
export async function ensureVirtualMachines(root, mayInstall) {
  if (process.arch !== "x64") {
    throw new SetupError(
      `The lab's virtual machines are amd64, and this machine is ${process.arch}: they cannot run here.`,
    );
  }
  const nothing = { lab: false, tests: false, kernelHasWireguard: true, downloads: false };
  await installSystemPackages(root, toolsFor({ ...nothing, virtualMachines: true }), mayInstall);
  log(
    "the virtual machines' disk image: from the cache, else built from Debian's packages (minutes) …",
  );
  const builder = join(root, "dist", "scripts", "lab", "vm", "build-image.js");
  const ended = await runInherited([builder], { cwd: root, env: process.env, quiet: true });
  if (ended.code === 0) return;
  throw new SetupError(
    `The virtual machines' disk image could not be made (${ended.how}); its own words stand above.`,
  );
}
