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
  /** For ssh's ConnectTimeout. */
  connectSeconds: number;
}

export interface SshCommand {
  /** Arguments of `ssh`, up to and with the destination; the remote command is to follow. */
  args: string[];
  /** To be written, mode 0600, before ssh is started: by absolute path, their text. */
  files: Map<string, string>;
  /** Where each jump's ssh puts what it says, in the order of the chain. */
  jumpTalk: string[];
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
  const jumpTalk: string[] = [];
  let args: string[] = [];
  chain.forEach((hop, index) => {
    const next = chain[index + 1];
    const options = [
      ...hopOptions(hop, index, place),
      // Below INFO, a jump does not say why it could not connect onwards; below VERBOSE, not that it has let us in.
      ...["-o", `LogLevel=${next === undefined ? "INFO" : "VERBOSE"}`],
      ...proxyOptions(index, base),
    ];
    if (next === undefined) {
      args = [...options, "-T", ...destination(hop)];
      return;
    }
    const talk = `${base}.jump-${index}.talk`;
    jumpTalk.push(talk);
    const forward = ["-W", `[${next.address}]:${next.port}`];
    const words = ["exec", "ssh", ...options, ...forward, ...destination(hop)].map(shellWord);
    files.set(`${base}.jump-${index}`, `${words.join(" ")} 2>${shellWord(talk)}\n`);
  });
  return { args, files, jumpTalk };
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
export function lookCommand(chain: SshHop[], place: SshPlace): SshCommand {
  const command = sshCommand(chain, place);
  const certificates = ANYTHING.map((type) => `${type}-cert-v01@openssh.com`);
  const algorithms = [...certificates, ...ANYTHING].join(",");
  const options = ["-o", "LogLevel=DEBUG2", "-o", `HostKeyAlgorithms=${algorithms}`];
  return { ...command, args: [...options, ...command.args] };
}

/** known_hosts(5) text: for each machine of the chain its authority, else its pinned keys, and nothing else. */
export function knownHosts(chain: SshHop[], way: string): string {
  const lines = chain.flatMap((hop, index) => {
    const alias = hostAlias(hop, way, index);
    if (hop.authority !== null) return [`@cert-authority ${alias} ${hop.authority.publicKey}`];
    return hop.hostKeys.map((key) => `${alias} ${key}`);
  });
  return lines.map((line) => `${line}\n`).join("");
}

/** The signature algorithms that the pinned keys or the certificate can make, so that no other kind is even asked for. */
export function hostKeyAlgorithms(hop: SshHop): string[] {
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
    "BatchMode=yes",
    `UserKnownHostsFile=${path.join(place.folder, place.way)}.known_hosts`,
    "GlobalKnownHostsFile=/dev/null",
    "StrictHostKeyChecking=yes",
    `HostKeyAlias=${hostAlias(hop, place.way, index)}`,
    `HostKeyAlgorithms=${hostKeyAlgorithms(hop).join(",")}`,
    "UpdateHostKeys=no",
    "CheckHostIP=no",
    "VerifyHostKeyDNS=no",
    "VisualHostKey=no",
    `ConnectTimeout=${place.connectSeconds}`,
    // The push program retries itself, where that is sound.
    "ConnectionAttempts=1",
    "ServerAliveInterval=5",
    "ServerAliveCountMax=3",
    // A shared connection would be the one whose loss the confirmation is to notice.
    "ControlMaster=no",
    "ControlPath=none",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RemoteCommand=none",
    "RequestTTY=no",
    "EscapeChar=none",
    ...keyOptions(place.agentSocket),
  ];
  return options.flatMap((option) => ["-o", option]);
}

/** With a key of the stack's own, that key and no other is offered, whatever ssh_config says. */
function keyOptions(agentSocket: string | null): string[] {
  if (agentSocket === null) return [];
  return [`IdentityAgent=${agentSocket}`, "IdentitiesOnly=no", "IdentityFile=none"];
}

/** A jump that the user's own ssh_config has for the first machine stays in force. */
function proxyOptions(index: number, base: string): string[] {
  return index === 0 ? [] : ["-o", `ProxyCommand=sh ${base}.jump-${index - 1}`];
}

/** `--` ends the options: no address is ever taken for one. */
function destination(hop: SshHop): string[] {
  return ["-p", String(hop.port), "-l", hop.user, "--", hop.address];
}

/** One word for sh, whatever is in it. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
