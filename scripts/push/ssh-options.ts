/** The command line of OpenSSH for one way onto a host, and the files that it speaks of. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { SshHop } from "../../mesh/push-request";

export interface SshPlace {
  /** A folder of this process's own, mode 0700. Its path holds only [A-Za-z0-9/._-]. */
  folder: string;
  /** The way's own name in that folder. */
  way: string;
  /** Socket of the agent that holds `sshPrivateKey`; null: the user's own agent and keys. */
  agentSocket: string | null;
  /** For ssh's ConnectTimeout: for each address of the first machine, and for the greeting. */
  connectSeconds: number;
  /** The first machine is dialled by IPv4 alone. */
  isIPv4Only: boolean;
  /** For each machine of the way: what of the user's ssh_config holds for it instead of all (user-ssh-config.ts); null: all. */
  userOptions: (string[] | null)[];
  /** For a person's own session, which may ask on the terminal. `forced`: it has one though there is a command. */
  terminal?: "auto" | "forced";
}

export interface SshCommand {
  /** Arguments of `ssh`, up to and with the destination; the remote command is to follow. */
  args: string[];
  /** To be written, mode 0600, before ssh is started: by absolute path, their text. */
  files: Map<string, string>;
  /** Where each machine's ssh puts what it says, in the order of the chain: readSshLog. */
  logs: string[];
}

/** Host keys that an authority vouches for are always of this kind: the push makes them (host/25-identity.sh). */
const CERTIFICATE = "ssh-ed25519-cert-v01@openssh.com";

/**
 * `chain` is every machine on the way, the host itself last. Each shows a pinned key, or a certificate of its authority for
 * its very name, or is refused: that is all that is in a known_hosts file of our own, under an alias of its own. Each jump is one flat script, so that any number of
 * jumps needs one level of quoting only (a nested ProxyCommand doubles its backslashes at each level).
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
      // Its log apart from its stderr: there speaks the host, and it must not pass for ssh.
      args = ["-E", log, ...options, ...destination(hop)];
      return;
    }
    const forward = ["-W", `[${next.address}]:${next.port}`];
    const words = ["exec", "ssh", ...options, ...forward, ...destination(hop)].map(shellWord);
    files.set(`${base}.jump-${index}`, `${words.join(" ")} 2>${shellWord(log)}\n`);
  });
  return { args, files, logs };
}

/** What every kind of machine may show, certificates first: for looking at one that is refused. */
const ANYTHING = [
  ...["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
  ...["rsa-sha2-512", "rsa-sha2-256"],
];

/**
 * The same, but ssh says which host key or certificate the last machine shows, of whatever kind. What is trusted stays
 * the same, so a machine that was refused is refused again. (Of an option that is given twice, ssh takes the first.)
 */
export function debugCommand(chain: SshHop[], place: SshPlace): SshCommand {
  const command = sshCommand(chain, place);
  const certificates = ANYTHING.map((type) => `${type}-cert-v01@openssh.com`);
  const algorithms = [...certificates, ...ANYTHING].join(",");
  const options = ["-o", "LogLevel=DEBUG2", "-o", `HostKeyAlgorithms=${algorithms}`];
  return { ...command, args: [...options, ...command.args] };
}

/** known_hosts(5) text: for each machine of the chain its authority, else its pinned keys, and nothing else. */
export function knownHosts(chain: SshHop[], way: string): string {
  const lines = chain.flatMap((hop, index) => pinLines(hop, hostAlias(hop, way, index)));
  return lines.map((line) => `${line}\n`).join("");
}

/** Lines of known_hosts(5) for one machine under that name. */
export function pinLines(hop: Pins, alias: string): string[] {
  if (hop.authority !== null) return [`@cert-authority ${alias} ${hop.authority.publicKey}`];
  return hop.hostKeys.map((key) => `${alias} ${key}`);
}

/** What a machine may show. */
export type Pins = Pick<SshHop, "authority" | "hostKeys">;

/** The signature algorithms that the pinned keys or the certificate can make, so that no other kind is even asked for. */
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

/** With an authority, it is also the name that the certificate must be made out for (ssh_config(5), HostKeyAlias). */
function hostAlias(hop: SshHop, way: string, index: number): string {
  return hop.authority?.principal ?? `wireguard-mesh-${way}-${index}`;
}

function hopOptions(hop: SshHop, index: number, place: SshPlace): string[] {
  const options = [
    // For what follows and some versions do not know. The user's own list would hold no more, so it is everything.
    "IgnoreUnknown=*",
    ...(place.terminal === undefined ? [] : personOptions(index, place.terminal)),
    "BatchMode=yes",
    ...trustOptions(hop, index, place),
    `ConnectTimeout=${place.connectSeconds}`,
    // The push program retries itself, where that is sound.
    "ConnectionAttempts=1",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    ...PLAIN_SESSION,
    // Below DEBUG1, nobody learns how far a login has come: readSshLog.
    "LogLevel=DEBUG1",
    "LogVerbose=none",
    "FingerprintHash=sha256",
    ...(index === 0 && place.isIPv4Only ? ["AddressFamily=inet"] : []),
    ...keyOptions(place.agentSocket),
    ...proxyOptions(index, place),
  ];
  const own = options.flatMap((option) => ["-o", option]);
  // Of an option that is given twice, ssh takes the first.
  return [...own, ...(place.userOptions[index] ?? [])];
}

/**
 * Instead of those below: of an option that is given twice, ssh takes the first. Behind a jump the time to connect would
 * include what the person needs for the jump's passphrase or token; what happens there is watched in another way.
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
 * Each way by which ssh may come to trust a host (ssh_config(5)) leads to our known_hosts file, or is closed. It takes no
 * file, no command and no DNS of the user's, no Kerberos ticket in place of a host key, and no connection of another ssh.
 * RevokedHostKeys stays: it only refuses more.
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
    // Debian, Ubuntu, Fedora and others have it: the server then needs no host key at all.
    "GSSAPIKeyExchange=no",
    // A shared connection would also be the one whose loss the confirmation is to notice.
    "ControlMaster=no",
    "ControlPath=none",
  ];
}

/** Nothing but our command and its three streams, whatever the user has switched on for sessions of his own. */
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
 * With a key of the stack's own, that key and no other is offered. `IdentityFile=none` keeps ssh from its default files;
 * those that ssh_config names are added to it (readconf.c, add_identity_file), so they are kept away by `userOptions`.
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

/** A jump that the user's own ssh_config has for the first machine stays in force; behind it the way is ours. */
function proxyOptions(index: number, { folder, way }: SshPlace): string[] {
  if (index === 0) return [];
  return [`ProxyCommand=sh ${path.join(folder, way)}.jump-${index - 1}`, "ProxyUseFdpass=no"];
}

/** `--` ends the options: no address is ever taken for one. */
export function destination(hop: SshHop): string[] {
  return ["-p", String(hop.port), "-l", hop.user, "--", hop.address];
}

/** One word for sh, whatever is in it. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A way as a command that the user can try. */
export function byHand(chain: SshHop[]): string {
  const last = chain.at(-1);
  if (last === undefined) return "sudo -n true";
  const jumps = chain.slice(0, -1).map(formatHop).join(",");
  const port = last.port === 22 ? "" : `-p ${last.port} `;
  return `ssh ${jumps === "" ? "" : `-J ${jumps} `}${port}${last.user}@${last.address}`;
}
