// Why the lab cannot run on this machine. Each check returns null if it can, else the reason and a remedy.
import { existsSync } from "node:fs";
import { lastLines, run } from "./child.mjs";

/** @returns {string | null} */
export function userObstacle() {
  if (process.platform !== "linux") {
    return (
      "the lab consists of Linux network namespaces, and this is not Linux.\n" +
      "  Use a Linux machine or VM (Debian or Ubuntu is easiest)."
    );
  }
  if (process.getuid?.() !== 0) {
    return (
      "the lab creates network namespaces, which only root may do.\n" +
      "  Run the same command as root (sudo -i, or in a throw-away VM)."
    );
  }
  return null;
}

/** @returns {Promise<string | null>} */
export async function namespaceObstacle() {
  const args = ["--net", "--mount", "--pid", "--fork", "true"];
  const outcome = await run("unshare", args, { seconds: 20 });
  if (outcome.ok) return null;
  return (
    "root may not create namespaces here; this is probably an unprivileged container.\n" +
    `The output of unshare:\n${lastLines(outcome.output, 2)}\n` +
    "  Use a virtual machine, or a container started with --privileged."
  );
}

/** @returns {Promise<string | null>} */
export async function tunnelObstacle() {
  if (existsSync("/dev/net/tun") || (await kernelHasWireguard())) return null;
  return (
    "the kernel has neither WireGuard nor /dev/net/tun, which wireguard-go needs.\n" +
    "  Try modprobe tun; start a container with --device /dev/net/tun or --privileged."
  );
}

/**
 * Whether the kernel can create WireGuard interfaces, tried in a temporary namespace; false if `unshare` or `ip` is
 * missing.
 */
export async function kernelHasWireguard() {
  const args = ["--net", "ip", "link", "add", "probe", "type", "wireguard"];
  return (await run("unshare", args, { seconds: 20 })).ok;
}
