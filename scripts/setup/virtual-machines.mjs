// QEMU and the disk image, for the scenario and the tests with virtual machines.
import { join } from "node:path";
import { SetupError } from "./errors.mjs";
import { log } from "./progress.mjs";
import { runInherited } from "./run-node.mjs";
import { installSystemPackages } from "./system-packages.mjs";
import { toolsFor } from "./system-tools.mjs";

/**
 * Installs QEMU and builds the disk image if they are missing.
 * @param {string} root the project's folder
 * @param {boolean} mayInstall false with --no-install
 */
export async function ensureVirtualMachines(root, mayInstall) {
  if (process.arch !== "x64") {
    throw new SetupError(
      `The lab's virtual machines are amd64 and cannot run on this machine, which is ${process.arch}.`,
    );
  }
  const nothing = { lab: false, tests: false, kernelHasWireguard: true, downloads: false };
  await installSystemPackages(root, toolsFor({ ...nothing, virtualMachines: true }), mayInstall);
  log(
    "getting the virtual machines' disk image: from the cache, or built from Debian packages (minutes) …",
  );
  const builder = join(root, "dist", "scripts", "lab", "vm", "build-image.js");
  const ended = await runInherited([builder], { cwd: root, env: process.env, quiet: true });
  if (ended.code === 0) return;
  throw new SetupError(
    `The virtual machines' disk image could not be built (${ended.how}); see the output above.`,
  );
}
