/** The contents of a virtual machine's disk: Debian 12 with what a relay uses of the EC2 image. */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { findRepository } from "../repository";

export const SUITE = "bookworm";
/** The file system's size; the file is sparse. */
export const DISK_SIZE = "2G";

/** The packages of Debian's cloud image that the push, cloud-init and a relay use; it has no wireguard-tools either. */
export const PACKAGES = [
  ...["systemd", "systemd-sysv", "systemd-resolved", "libnss-resolve", "systemd-timesyncd"],
  ...["dbus", "udev", "kmod", "netplan.io", "cloud-init", "openssh-server", "sudo"],
  ...["iproute2", "iputils-ping", "nftables", "procps", "e2fsprogs", "ca-certificates"],
  ...["unattended-upgrades", "locales", "linux-image-cloud-amd64", "initramfs-tools", "zstd"],
];

/** Packages that apt can install on a machine, from a repository on its own disk: it has no internet access. */
export const OFFERED = ["wireguard-tools"];

/** Files left out of every package: half of all files, and no programs. */
export const EXCLUDED = ["/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*"];

/** The path of mmdebstrap's customize hook. */
export function customizeScript(): string {
  return path.join(findRepository(), "scripts/lab/vm/customize.sh");
}

/** 12 hex digits over everything that decides the disk's contents, except the versions of the packages. */
export function recipeDigest(): string {
  const customize = fs.readFileSync(customizeScript(), "utf8");
  const recipe = JSON.stringify([SUITE, DISK_SIZE, PACKAGES, OFFERED, EXCLUDED, customize]);
  return createHash("sha256").update(recipe).digest("hex").slice(0, 12);
}
