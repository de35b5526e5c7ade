/** The ssh command line for one way to a host, and the files that it needs. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { SshHop } from "../../mesh/push-request";

export interface SshPlace {
  /** A private folder, mode 0700. Its path has only characters of [A-Za-z0-9/._-]. */
  folder: string;
  /** Prefix of the way's files in that folder. */
  way: string;
  /** Socket of the agent that holds `sshPrivateKey`; null: the user's own agent and keys. */
  agentSocket: string | null;
  /** ssh's ConnectTimeout, for each address of the first machine. */
  connectSeconds: number;
  /** Connect to the first machine by IPv4 only. */
  isIPv4Only: boolean;
  /** For each hop: options instead of the user's ssh_config (user-ssh-config.ts); null: use ssh_config. */
  userOptions: (string[] | null)[];
  /** For an interactive session. `forced`: allocate a terminal even with a command. */
  terminal?: "auto" | "forced";
}

export interface SshCommand {
  /** Arguments of `ssh` including the destination; the remote command follows. */
  args: string[];
  /** Text by absolute path, to write with mode 0600 before ssh starts. */
  files: Map<string, string>;
  /** The log file of each hop's ssh (readSshLog). */
  logs: string[];
}

/** The push makes Ed25519 host keys only (host/85-identity.sh). */
const CERTIFICATE = "ssh-ed25519-cert-v01@openssh.com";

/**
 * `chain`: every machine on the way, the host last. Each has an alias in a private known_hosts file, which holds only its
 * pinned keys or its authority. Each jump is a script of its own, which avoids nested quoting in ProxyCommand.
 */
export function sshCommand(chain: SshHop[], place: SshPlace): SshCommand {
  const base = path.join(place.folder, place.way);
  const files = new Map([[`${base}.known_hosts`, knownHosts(chain, place.way)]]);
  const logs = chain.map((_, index) => `${base}.log-${index}`);
  let args: string[] = [];
  chain.forEach((hop, index) => {
    const next = chain[index + 1];
    const log = logs[index] ?? "";
    const options = hopOptions(hop, index, place);
    if (next === undefined) {
      // ssh logs to a file, because stderr carries the host's own output, which could imitate ssh's messages.
      args = ["-E", log, ...options, ...destination(hop)];
      return;
    }
    const forward = ["-W", `[${next.address}]:${next.port}`];
    const words = ["exec", "ssh", ...options, ...forward, ...destination(hop)].map(shellWord);
    files.set(`${base}.jump-${index}`, `${words.join(" ")} 2>${shellWord(log)}\n`);
  });
  return { args, files, logs };
}

/** All host key algorithms, to find out what a refused machine has. */
const ANYTHING = [
  ...["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
  ...["rsa-sha2-512", "rsa-sha2-256"],
];

/**
 * The same, but ssh logs which host key or certificate the last machine has. known_hosts is unchanged, so a refused machine
 * is refused again. (ssh uses the first value of a repeated option.)
 */
export function debugCommand(chain: SshHop[], place: SshPlace): SshCommand {
  const command = sshCommand(chain, place);
  const certificates = ANYTHING.map((type) => `${type}-cert-v01@openssh.com`);
  const algorithms = [...certificates, ...ANYTHING].join(",");
  const options = ["-o", "LogLevel=DEBUG2", "-o", `HostKeyAlgorithms=${algorithms}`];
  return { ...command, args: [...options, ...command.args] };
}

/** known_hosts(5) text: the authority or the pinned keys of each machine. */
export function knownHosts(chain: SshHop[], way: string): string {
  const lines = chain.flatMap((hop, index) => pinLines(hop, hostAlias(hop, way, index)));
  return lines.map((line) => `${line}\n`).join("");
}

/** Lines of known_hosts(5) for one machine. */
export function pinLines(hop: Pins, alias: string): string[] {
  if (hop.authority !== null) return [`@cert-authority ${alias} ${hop.authority.publicKey}`];
  return hop.hostKeys.map((key) => `${alias} ${key}`);
}

/** What proves a machine's identity. */
export type Pins = Pick<SshHop, "authority" | "hostKeys">;

/** The algorithms of the pinned keys or of the certificate, so that the server does not choose another key. */
export function hostKeyAlgorithms(hop: Pins): string[] {
  if (hop.authority !== null) return [CERTIFICATE];
  const types = hop.hostKeys.map((key) => key.split(" ")[0] ?? "");
  const algorithms = types.flatMap((type) =>
    type === "ssh-rsa" ? ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"] : [type],
  );
  return [...new Set(algorithms)];
}

export function writeFiles(command: SshCommand): void {
  command.files.forEach((text, file) => {
    fs.writeFileSync(file, text, { mode: 0o600 });
  });
}

/** `user@address[:port]`, with brackets around an IPv6 address that is followed by a port. */
export function formatHop(hop: SshHop): string {
  if (hop.port === 22) return `${hop.user}@${hop.address}`;
  const address = hop.address.includes(":") ? `[${hop.address}]` : hop.address;
  return `${hop.user}@${address}:${hop.port}`;
}

/** A certificate must be valid for this name (ssh_config(5), HostKeyAlias). */
function hostAlias(hop: SshHop, way: string, index: number): string {
  return hop.authority?.principal ?? `wireguard-mesh-${way}-${index}`;
}

function hopOptions(hop: SshHop, index: number, place: SshPlace): string[] {
  const options = [
    // Some options below are unknown to older versions. This replaces the user's list, so it covers all options.
    "IgnoreUnknown=*",
    ...(place.terminal === undefined ? [] : personOptions(index, place.terminal)),
    "BatchMode=yes",
    ...trustOptions(hop, index, place),
    `ConnectTimeout=${place.connectSeconds}`,
    // The push program retries by itself.
    "ConnectionAttempts=1",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    ...PLAIN_SESSION,
    // readSshLog needs DEBUG1.
    "LogLevel=DEBUG1",
    "LogVerbose=none",
    "FingerprintHash=sha256",
    ...(index === 0 && place.isIPv4Only ? ["AddressFamily=inet"] : []),
    ...keyOptions(place.agentSocket),
    ...proxyOptions(index, place),
  ];
  const own = options.flatMap((option) => ["-o", option]);
  // ssh uses the first value of a repeated option.
  return [...own, ...(place.userOptions[index] ?? [])];
}

/**
 * These override the options below, since ssh uses the first value. Behind a jump host, ConnectTimeout is long because it
 * includes the time to enter a passphrase; LoginWatch ends a dead way earlier.
 */
function personOptions(index: number, terminal: "auto" | "forced"): string[] {
  return [
    "BatchMode=no",
    ...(index === 0 ? [] : ["ConnectTimeout=120"]),
    "ServerAliveInterval=30",
    "ServerAliveCountMax=10",
    `RequestTTY=${terminal === "forced" ? "force" : "auto"}`,
    "EscapeChar=~",
  ];
}

/**
 * Makes the private known_hosts file the only source of trust: no files, commands or DNS of the user, no Kerberos in place of
 * a host key, and no shared connection. The user's RevokedHostKeys stays, since it only refuses more.
 */
function trustOptions(hop: SshHop, index: number, place: SshPlace): string[] {
  return [
    `UserKnownHostsFile=${path.join(place.folder, place.way)}.known_hosts`,
    "GlobalKnownHostsFile=/dev/null",
    "KnownHostsCommand=none",
    "StrictHostKeyChecking=yes",
    `HostKeyAlias=${hostAlias(hop, place.way, index)}`,
    `HostKeyAlgorithms=${hostKeyAlgorithms(hop).join(",")}`,
    "NoHostAuthenticationForLocalhost=no",
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "VerifyHostKeyDNS=no",
    "VisualHostKey=no",
    // A patch of Debian, Ubuntu, Fedora and others: with it, the server needs no host key.
    "GSSAPIKeyExchange=no",
    // The confirmation needs a new connection.
    "ControlMaster=no",
    "ControlPath=none",
  ];
}

/** Only a command and its three streams, whatever the user's ssh_config enables. */
const PLAIN_SESSION = [
  "ForwardAgent=no",
  "ForwardX11=no",
  "ClearAllForwardings=yes",
  "Tunnel=no",
  "PermitLocalCommand=no",
  "RemoteCommand=none",
  "RequestTTY=no",
  "SessionType=default",
  "StdinNull=no",
  "ForkAfterAuthentication=no",
  "EscapeChar=none",
];

/**
 * If the stack has its own key, ssh offers only that. `IdentityFile=none` disables the default files, but not those that
 * ssh_config names (readconf.c, add_identity_file): `userOptions` leaves those out.
 */
function keyOptions(agentSocket: string | null): string[] {
  if (agentSocket === null) return [];
  return [
    `IdentityAgent=${agentSocket}`,
    "IdentitiesOnly=no",
    "IdentityFile=none",
    "PreferredAuthentications=publickey",
  ];
}

/** A proxy in the user's ssh_config applies to the first machine only. */
function proxyOptions(index: number, { folder, way }: SshPlace): string[] {
  if (index === 0) return [];
  return [`ProxyCommand=sh ${path.join(folder, way)}.jump-${index - 1}`, "ProxyUseFdpass=no"];
}

/** `--`, so that an address cannot be read as an option. */
export function destination(hop: SshHop): string[] {
  return ["-p", String(hop.port), "-l", hop.user, "--", hop.address];
}

/** Quotes a word for sh. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** An ssh command for the user to try the way. */
export function byHand(chain: SshHop[]): string {
  const last = chain.at(-1);
  if (last === undefined) return "sudo -n true";
  const jumps = chain.slice(0, -1).map(formatHop).join(",");
  const port = last.port === 22 ? "" : `-p ${last.port} `;
  return `ssh ${jumps === "" ? "" : `-J ${jumps} `}${port}${last.user}@${last.address}`;
}
