// Which programs of the operating system the lab and the tests need, what for, and how each distribution calls their packages.
// Pure but for one list that the virtual machines read too: what is here and what is not comes in as arguments.
import { readFileSync } from "node:fs";

/**
 * @typedef {object} Need
 * @property {string} tool the program, as found on PATH (with the sbin folders), or a file when it begins with /
 * @property {string} why what it is for, as the end of "needed for …"
 * @property {string} apt
 * @property {string} dnf
 * @property {string} apk
 */

/** @typedef {"debian" | "fedora" | "alpine" | "other"} Family */

/** @type {Need[]} */
const LAB = [
  need("ip", "the lab's networks", "iproute2", "iproute", "iproute2"),
  need("nft", "NAT of the lab's routers, and policy", "nftables"),
  need("sshd", "the lab's hosts", "openssh-server"),
  need("ssh", "the push", "openssh-client", "openssh-clients", "openssh-client"),
  need("ssh-keygen", "host keys", "openssh-client", "openssh", "openssh-keygen"),
  need("wg", "WireGuard", "wireguard-tools"),
  need("wg-quick", "WireGuard", "wireguard-tools"),
  need("bash", "wg-quick", "bash"),
  need("unshare", "namespaces", "util-linux"),
  need("nsenter", "namespaces", "util-linux"),
  need("setpriv", "ending the lab's hosts with it", "util-linux", "util-linux", "setpriv"),
  need("flock", "the push", "util-linux", "util-linux", "flock"),
  need("mount", "the lab's hosts", "mount", "util-linux", "mount"),
  need("ping", "proving that the tunnels work", "iputils-ping", "iputils", "iputils-ping"),
  need("ps", "the lab's processes", "procps", "procps-ng", "procps-ng"),
  need("sysctl", "forwarding", "procps", "procps-ng", "procps-ng"),
];

const WIREGUARD_GO = need("wireguard-go", "WireGuard where the kernel has none", "wireguard-go");

/** @type {Need[]} */
const TESTS = [
  need("shellcheck", "checking the shell scripts", "shellcheck", "ShellCheck", "shellcheck"),
  need("wg", "comparing our keys with WireGuard's", "wireguard-tools"),
  need("busybox", "running the host's script in a small shell", "busybox"),
  need("dash", "running the host's script in a strict shell", "dash"),
];

/** Where Debian's packages are made into a disk, they all have Debian's names. @type {Need[]} */
const VIRTUAL_MACHINES = JSON.parse(
  readFileSync(new URL("../lab/vm/tool-list.json", import.meta.url), "utf8"),
).map((/** @type {Need} */ { tool, why, apt }) => need(tool, why, apt));

/** @type {Need[]} */
const DOWNLOADING = [
  need("curl", "downloading the engine", "curl"),
  need("tar", "downloading the engine", "tar"),
  need("/etc/ssl/certs/ca-certificates.crt", "downloading the engine", "ca-certificates"),
];

/**
 * @param {string} tool
 * @param {string} why
 * @param {string} apt
 * @param {string} [dnf]
 * @param {string} [apk]
 * @returns {Need}
 */
function need(tool, why, apt, dnf = apt, apk = apt) {
  return { tool, why, apt, dnf, apk };
}

/**
 * What this run needs of the system.
 * @param {{ lab: boolean, tests: boolean, kernelHasWireguard: boolean, downloads: boolean, virtualMachines?: boolean }} facts
 * @returns {Need[]} each tool once
 */
export function toolsFor(facts) {
  const all = [
    ...(facts.lab ? LAB : []),
    ...(facts.lab && !facts.kernelHasWireguard ? [WIREGUARD_GO] : []),
    ...(facts.virtualMachines ? VIRTUAL_MACHINES : []),
    ...(facts.downloads ? DOWNLOADING : []),
    ...(facts.tests ? TESTS : []),
  ];
  return all.filter((one, index) => all.findIndex((other) => other.tool === one.tool) === index);
}

/**
 * Which kind of distribution this is, by the text of os-release(5).
 * @param {string} osRelease
 * @returns {{ name: string, family: Family }}
 */
export function distributionOf(osRelease) {
  const field = (/** @type {string} */ key) =>
    osRelease.match(new RegExp(`^${key}=(.*)$`, "m"))?.[1]?.replace(/^["']|["']$/g, "") ?? "";
  const kin = [field("ID"), ...field("ID_LIKE").split(" ")];
  const family = (/** @type {string[]} */ ...ids) => kin.some((id) => ids.includes(id));
  const name = field("PRETTY_NAME") || field("ID") || "this system";
  if (family("debian", "ubuntu")) return { name, family: "debian" };
  if (family("fedora", "rhel", "centos")) return { name, family: "fedora" };
  if (family("alpine")) return { name, family: "alpine" };
  return { name, family: "other" };
}

/**
 * @param {Need[]} needs
 * @param {Family} family
 * @returns {string[]} names of the packages that bring them, each once, sorted; Debian's where the family is not known
 */
export function packagesFor(needs, family) {
  const column = family === "fedora" ? "dnf" : family === "alpine" ? "apk" : "apt";
  return [...new Set(needs.map((one) => one[column]))].sort();
}

/**
 * The command that a person types to get the packages.
 * @param {string[]} packages
 * @param {Family} family
 * @param {boolean} isRoot
 */
export function installCommand(packages, family, isRoot) {
  const sudo = isRoot ? "" : "sudo ";
  const list = packages.join(" ");
  switch (family) {
    case "fedora":
      return `${sudo}dnf install ${list}`;
    case "alpine":
      return `${sudo}apk add ${list}`;
    case "debian":
      return `${sudo}apt-get update && ${sudo}apt-get install --no-install-recommends ${list}`;
    case "other":
      return `your package manager; Debian calls the packages: ${list}`;
  }
}

/**
 * One line for each missing program: what, and what for.
 * @param {Need[]} missing
 */
export function listOf(missing) {
  const width = Math.max(...missing.map((one) => one.tool.length));
  return missing.map((one) => `  ${one.tool.padEnd(width)}  needed for ${one.why}`).join("\n");
}

/**
 * What to tell somebody for whom nothing is installed.
 * @param {Need[]} missing
 * @param {{ name: string, family: Family }} distribution
 * @param {{ isRoot: boolean, mayInstall: boolean }} circumstances
 */
export function missingText(missing, distribution, { isRoot, mayInstall }) {
  const reason = !mayInstall
    ? "--no-install was given"
    : distribution.family !== "debian"
      ? `the set-up installs packages on Debian and Ubuntu only, and this is ${distribution.name}`
      : "only root may install packages";
  const command = installCommand(
    packagesFor(missing, distribution.family),
    distribution.family,
    isRoot,
  );
  return `These programs are missing, and nothing was installed (${reason}):\n${listOf(missing)}\n  Install them with: ${command}`;
}
