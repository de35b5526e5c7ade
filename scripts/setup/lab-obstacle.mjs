// Whether this machine lets the lab make its hosts at all.
import { existsSync } from "node:fs";
import { lastLines, run } from "./child.mjs";

/** @returns {string | null} null when this user on this system may make a lab, else why not and what helps */
export function userObstacle() {
  if (process.platform !== "linux") {
    return "the lab is made of Linux network namespaces, and this is not Linux. Use a Linux machine or VM (Debian or Ubuntu is easiest).";
  }
  if (process.getuid?.() !== 0) {
    return "the lab makes network namespaces, which needs root. Run the same command as root (sudo -i, or a throw-away VM).";
  }
  return null;
}

/** @returns {Promise<string | null>} null when root may make namespaces (tried), else why not and what helps */
export async function namespaceObstacle() {
  const outcome = await run("unshare", ["--net", "--mount", "--pid", "--fork", "true"], {
    seconds: 20,
  });
  if (outcome.ok) return null;
  return (
    "root may not make namespaces here; this looks like a container without the right to. " +
    `Use a virtual machine, or a container started with --privileged. unshare said:\n${lastLines(outcome.output, 2)}`
  );
}

/** @returns {Promise<string | null>} null when tunnels can be made here, else why not and what helps */
export async function tunnelObstacle() {
  if (existsSync("/dev/net/tun") || (await kernelHasWireguard())) return null;
  return (
    "the kernel has neither WireGuard nor /dev/net/tun, which wireguard-go needs. " +
    "Try: modprobe tun; in a container, start it with --device /dev/net/tun or --privileged."
  );
}

/**
 * Whether the kernel makes WireGuard interfaces; tried in a namespace that vanishes with the try. On a machine so bare
 * that it cannot be tried (no `ip`), no.
 */
export async function kernelHasWireguard() {
  const make = ["--net", "ip", "link", "add", "probe", "type", "wireguard"];
  return (await run("unshare", make, { seconds: 20 })).ok;
}
