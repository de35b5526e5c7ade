/** Why a way onto a host failed, told from what ssh and sudo said. */
import type { SshHop } from "../../mesh/push-request";
import { HOST_KEY_REFUSED, hostKeyFailure } from "./host-key-failure";
import { formatHop } from "./ssh-options";

export type FailureKind =
  | "refused"
  | "timed-out"
  | "no-route"
  | "unknown-name"
  | "dropped"
  | "no-forwarding"
  | "host-key"
  /** It proved to be a machine of this stack, but another one. */
  | "other-machine"
  | "denied"
  | "no-root"
  | "other";

export interface Failure {
  kind: FailureKind;
  /** One clause, or lines: what happened. */
  cause: string;
  /** One sentence or two: what to do, with a command. */
  remedy: string;
}

/** What is known of a try that ended without a root shell on the host. */
export interface VainTry {
  /** Every machine on the way, the host itself last; empty for this very machine. */
  chain: SshHop[];
  /** What ssh said at each of them, in that order; for this very machine what sudo said. */
  talk: string[];
  /** Seconds after which it was given up from here, or null when it ended by itself. */
  gaveUpAfterS: number | null;
  /** The node's name in stack config. */
  node: string;
}

/** The first machine on the way that complained is the cause; what the later ones say follows from it. */
export function explainFailure(vain: VainTry): Failure {
  for (const [index, text] of vain.talk.entries()) {
    const failure = explainTalk(text, index, vain);
    if (failure !== null) return failure;
  }
  if (vain.gaveUpAfterS !== null) {
    return {
      kind: "timed-out",
      cause: `no login within ${vain.gaveUpAfterS} s`,
      remedy: REMEDY_OFF,
    };
  }
  const last = vain.talk.flatMap((text) => text.trim().split("\n")).at(-1) ?? "";
  return {
    kind: "other",
    cause: last === "" ? "ssh ended without a word" : `ssh says: ${last}`,
    remedy: `Try it by hand: ${byHand(vain.chain)}`,
  };
}

const REMEDY_OFF =
  "Is the machine on, and is this its address and port? Does a firewall let SSH in from here?";

/** OpenSSH 8 to 10 in these words (ssh.c, sshconnect.c, channels.c, kex.c, packet.c); strerror(3) for the causes. */
const SIGNS: [RegExp, (match: RegExpExecArray, at: Place) => Failure][] = [
  [HOST_KEY_REFUSED, hostKeyFailure],
  [/^.*Permission denied \(.*\)|Too many authentication failures/m, deniedFailure],
  [/Could not resolve hostname (\S+): (.*)/, unknownName],
  [/open failed: administratively prohibited/, noForwarding],
  [
    /open failed: connect failed: (.*)/,
    (match, at) => unconnected(match[1] ?? "", at.next ?? at.hop, at.hop),
  ],
  [
    /connect to (?:host|address) \S+ port \d+: (.*)/,
    (match, at) => unconnected(match[1] ?? "", at.hop),
  ],
  [
    /(?:Connection timed out during banner exchange|Connection to .* timed out|Operation timed out)/,
    timedOut,
  ],
  [
    /kex_exchange_identification|Connection (?:closed|reset) by|ssh_exchange_identification/,
    dropped,
  ],
  [
    /sudo:? .*(?:password is required|terminal is required|authentication is required|must have a tty|not allowed|not in the sudoers)|is not in the sudoers file/,
    sudoDenied,
  ],
  [/sudo:?.*not found|Unknown command:? '?sudo/i, noSudo],
];

/** Where on the way a sign was seen. */
export interface Place {
  hop: SshHop;
  /** The machine after it, to which it was to connect onwards. */
  next: SshHop | null;
  text: string;
  vain: VainTry;
}

function explainTalk(text: string, index: number, vain: VainTry): Failure | null {
  const hop = vain.chain[index] ?? {
    user: "",
    address: "this machine",
    port: 0,
    hostKeys: [],
    authority: null,
  };
  const place = { hop, next: vain.chain[index + 1] ?? null, text, vain };
  for (const [sign, explain] of SIGNS) {
    const match = sign.exec(text);
    if (match !== null) return explain(match, place);
  }
  return null;
}

function deniedFailure(_match: RegExpExecArray, { hop, text, vain }: Place): Failure {
  const locked = /agent refused operation/.test(text);
  return {
    kind: "denied",
    cause: `${formatHop(hop)} accepts none of the SSH keys that were offered`,
    remedy: locked
      ? `Your SSH agent refused to sign: unlock it or confirm there, then try ${byHand(vain.chain)}`
      : `Is the public key in ~/.ssh/authorized_keys of ${hop.user} there, and does \`ssh-add -l\` list it here ` +
        `(or is it the one in wireguard-mesh:sshPrivateKey)? Try: ${byHand(vain.chain)}`,
  };
}

function unknownName(match: RegExpExecArray): Failure {
  return {
    kind: "unknown-name",
    cause: `the name ${match[1] ?? ""} is not known here (${match[2] ?? ""})`,
    remedy: "Correct it in the stack config, or look at this machine's DNS.",
  };
}

function noForwarding(_match: RegExpExecArray, { hop }: Place): Failure {
  return {
    kind: "no-forwarding",
    cause: `${formatHop(hop)} does not let SSH jump through it`,
    remedy: "Its sshd_config must have: AllowTcpForwarding yes",
  };
}

/** `error` is strerror(3)'s word for what connect(2) met on the way to `hop`; `from` is the jump before it, null for this machine. */
function unconnected(error: string, hop: SshHop, from: SshHop | null = null): Failure {
  const where = `${hop.address} port ${hop.port}`;
  if (error.includes("refused")) {
    return {
      kind: "refused",
      cause: `connection refused by ${where}`,
      remedy:
        "The machine is there, but no sshd listens: start it there (sudo systemctl start ssh), or correct the port.",
    };
  }
  if (error.includes("timed out")) return noAnswer(where);
  if (/resolve|not known|Name or service/i.test(error)) {
    return {
      kind: "unknown-name",
      cause: `the name ${hop.address} is not known there`,
      remedy: "Correct it in the stack config.",
    };
  }
  return {
    kind: "no-route",
    cause: `no way to ${where} (${error.trim()})`,
    remedy: `Is the machine on, is the address right, and is ${from === null ? "this machine" : "the one before it"} on the right network? See${
      from === null ? "" : ` on ${from.address}`
    }: ip route get ${hop.address}`,
  };
}

function timedOut(_match: RegExpExecArray, { hop }: Place): Failure {
  return noAnswer(`${hop.address} port ${hop.port}`);
}

function noAnswer(where: string): Failure {
  return { kind: "timed-out", cause: `timed out: ${where} does not answer`, remedy: REMEDY_OFF };
}

function dropped(_match: RegExpExecArray, { hop }: Place): Failure {
  return {
    kind: "dropped",
    cause: `${hop.address} port ${hop.port} closed the connection before the login`,
    remedy:
      "Too many logins at once there (MaxStartups in sshd_config), a block on this address (fail2ban), or no sshd at all on that port.",
  };
}

function sudoDenied(_match: RegExpExecArray, { vain }: Place): Failure {
  return {
    kind: "no-root",
    cause: `${whoIsIn(vain)} may not become root without a password`,
    remedy: `As a user who may, ${whereIn(vain)}: echo ${sudoersLine(vain)} | sudo tee /etc/sudoers.d/wireguard-mesh`,
  };
}

function noSudo(_match: RegExpExecArray, { vain }: Place): Failure {
  return {
    kind: "no-root",
    cause: `${whoIsIn(vain)} cannot become root, for there is no sudo`,
    remedy: `Log in as root; or install sudo, and ${whereIn(vain)} as root: echo ${sudoersLine(vain)} > /etc/sudoers.d/wireguard-mesh`,
  };
}

function whoIsIn({ chain }: VainTry): string {
  const user = chain.at(-1)?.user;
  return user === undefined ? "your user here" : `${user} is let in, but`;
}

function whereIn({ chain }: VainTry): string {
  return chain.length === 0 ? "on this machine" : "on that machine";
}

function sudoersLine({ chain }: VainTry): string {
  return `"${chain.at(-1)?.user ?? "$(id -un)"} ALL=(root) NOPASSWD: ALL"`;
}

/** The way as a command that the user can try. */
function byHand(chain: SshHop[]): string {
  const last = chain.at(-1);
  if (last === undefined) return "sudo -n true";
  const jumps = chain.slice(0, -1).map(formatHop).join(",");
  const port = last.port === 22 ? "" : `-p ${last.port} `;
  return `ssh ${jumps === "" ? "" : `-J ${jumps} `}${port}${last.user}@${last.address}`;
}
