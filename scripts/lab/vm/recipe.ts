/** What is on a virtual machine's disk: Debian 12 as on EC2, as far as a relay can tell the difference. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { findRepository } from "../repository";

export const SUITE = "bookworm";
/** The file system's size; the file is sparse. */
export const DISK_SIZE = "2G";

/** What Debian's own cloud image has of all that the push, cloud-init and a relay touch. No wireguard-tools: nor has it. */
export const PACKAGES = [
  ...["systemd", "systemd-sysv", "systemd-resolved", "libnss-resolve", "systemd-timesyncd"],
  ...["dbus", "udev", "kmod", "netplan.io", "cloud-init", "openssh-server", "sudo"],
  ...["iproute2", "iputils-ping", "nftables", "procps", "e2fsprogs", "ca-certificates"],
  ...["unattended-upgrades", "locales", "linux-image-cloud-amd64", "initramfs-tools", "zstd"],
];

/** What apt can install in a machine, which has no way out: a repository on its own disk. */
export const OFFERED = ["wireguard-tools"];

/** Left out of every package: half of the files, and nothing that runs. */
export const EXCLUDED = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*"];

/** The script that mmdebstrap runs on the finished tree, with the tree as its argument. */
export function furnishScript(): string {
  return path.join(findRepository(), "scripts/lab/vm/furnish.sh");
}

/** Names one recipe: 12 hex digits over all that decides what is on the disk but the packages' versions. */
export function recipeDigest(): string {
  const furnish = fs.readFileSync(furnishScript(), "utf8");
  const recipe = JSON.stringify([SUITE, DISK_SIZE, PACKAGES, OFFERED, EXCLUDED, furnish]);
  return createHash("sha256").update(recipe).digest("hex").slice(0, 12);
}
