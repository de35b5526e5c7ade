// The system programs that the lab and the tests need, and their packages by distribution. Pure, except that it reads
// the list for virtual machines, which scripts/lab/vm uses too.
import { readFileSync } from "node:fs";

/**
 * @typedef {object} Need
 * @property {string} tool a program's name, or a file's absolute path
 * @property {string} why completes "needed for …"
 * @property {string} apt the package's name for apt-get
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
  need("setpriv", "stopping hosts when the lab ends", "util-linux", "util-linux", "setpriv"),
  need("flock", "the push", "util-linux", "util-linux", "flock"),
  need("mount", "the lab's hosts", "mount", "util-linux", "mount"),
  need("ping", "testing the tunnels", "iputils-ping", "iputils", "iputils-ping"),
  need("ps", "the lab's processes", "procps", "procps-ng", "procps-ng"),
  need("dnsmasq", "names of nodes", "dnsmasq-base", "dnsmasq"),
  need("sysctl", "forwarding", "procps", "procps-ng", "procps-ng"),
];

const WIREGUARD_GO = need("wireguard-go", "WireGuard without kernel support", "wireguard-go");

/** @type {Need[]} */
const TESTS = [
  need("shellcheck", "checking the shell scripts", "shellcheck", "ShellCheck", "shellcheck"),
  need("wg", "checking keys against WireGuard's", "wireguard-tools"),
  need("dnsmasq", "checking the unit of the DNS server", "dnsmasq-base", "dnsmasq"),
  need("busybox", "testing the host script in a minimal shell", "busybox"),
  need("dash", "testing the host script in a POSIX shell", "dash"),
];

/** Debian's package names only: mmdebstrap builds the disk image from Debian's packages. @type {Need[]} */
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
 * @param {{ lab: boolean, tests: boolean, kernelHasWireguard: boolean, downloads: boolean, virtualMachines?: boolean }} facts
 * @returns {Need[]} without duplicates
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
 * @param {string} osRelease the content of os-release(5)
 * @returns {{ name: string, family: Family }}
 */
export function distributionOf(osRelease) {
  const field = (/** @type {string} */ key) =>
    osRelease.match(new RegExp(`^${key}=(.*)$`, "m"))?.[1]?.replace(/^["']|["']$/g, "") ?? "";
  const ids = [field("ID"), ...field("ID_LIKE").split(" ")];
  const isOneOf = (/** @type {string[]} */ ...names) => ids.some((id) => names.includes(id));
  const name = field("PRETTY_NAME") || field("ID") || "this system";
  if (isOneOf("debian", "ubuntu")) return { name, family: "debian" };
  if (isOneOf("fedora", "rhel", "centos")) return { name, family: "fedora" };
  if (isOneOf("alpine")) return { name, family: "alpine" };
  return { name, family: "other" };
}

/**
 * @param {Need[]} needs
 * @param {Family} family
 * @returns {string[]} names of their packages, sorted, without duplicates; Debian's names if the family is unknown
 */
export function packagesFor(needs, family) {
  const column = family === "fedora" ? "dnf" : family === "alpine" ? "apk" : "apt";
  return [...new Set(needs.map((one) => one[column]))].sort();
}

/**
 * The command that installs packages, for a message.
 * @param {string[]} packages
 * @param {Family} family
 * @param {boolean} isRoot
 */
function installCommand(packages, family, isRoot) {
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
      return `your package manager (Debian's package names: ${list})`;
  }
}

/**
 * One line per missing program: its name and purpose.
 * @param {Need[]} missing
 */
export function listOf(missing) {
  const width = Math.max(...missing.map((one) => one.tool.length));
  return missing.map((one) => `  ${one.tool.padEnd(width)}  needed for ${one.why}`).join("\n");
}

/**
 * The error message if programs are missing and the set-up does not install them.
 * @param {Need[]} missing
 * @param {{ name: string, family: Family }} distribution
 * @param {{ isRoot: boolean, mayInstall: boolean }} circumstances
 */
export function missingText(missing, distribution, { isRoot, mayInstall }) {
  const reason = !mayInstall
    ? "--no-install was given"
    : distribution.family !== "debian"
      ? `the set-up installs packages only on Debian and Ubuntu, and this is ${distribution.name}`
      : "only root may install packages";
  const command = installCommand(
    packagesFor(missing, distribution.family),
    distribution.family,
    isRoot,
  );
  return (
    `These programs are missing, and nothing was installed (${reason}):\n` +
    `${listOf(missing)}\n  Install them with: ${command}`
  );
}
