/** Explains why a login failed, from the logs of ssh and the output of the host. */
import { isIP } from "node:net";
import type { SshHop } from "../../mesh/push-request";
import { HOST_KEY_REFUSED, hostKeyFailure } from "./host-key-failure";
import { printable, quoted } from "./printable";
import { deniedFailure, tooManyKeys, unsigned } from "./key-failure";
import { MESSAGES_CAP } from "./limits";
import type { FailedLogin } from "./login";
import { explainAfterLogin } from "./shell-failure";
import { readSshLog, type SshLog } from "./ssh-log";
import { byHand, formatHop } from "./ssh-options";

export type FailureKind =
  | "refused"
  | "timed-out"
  | "no-route"
  | "unknown-name"
  | "dropped"
  | "no-forwarding"
  | "host-key"
  /** It is another machine of this stack. */
  | "other-machine"
  | "denied"
  /** Authenticated, but the command does not run. */
  | "no-shell"
  | "no-root"
  | "other";

export interface Failure {
  kind: FailureKind;
  /** What happened: one clause, or several lines. */
  cause: string;
  /** What to do: one or two sentences, with a command. */
  remedy: string;
}

/** A failed login with the machines on its way. */
export interface FailedAttempt extends FailedLogin {
  /** Every machine on the way, the host last; empty if this machine is the host. */
  chain: SshHop[];
  /** The node's name in stack config. */
  node: string;
}

/** The first machine on the way with an error is the cause; later errors follow from it. */
export function explainFailure(login: FailedAttempt): Failure {
  const { chain } = login;
  const logs = login.logTexts.map(readSshLog);
  if (chain.length === 0 || logs.at(-1)?.isAuthenticated === true) return explainAfterLogin(login);
  for (const [index, log] of logs.entries()) {
    const failure = explainLog(log, index, login);
    if (failure !== null) return failure;
  }
  const silent = Math.max(
    0,
    logs.findIndex((log) => !log.isAuthenticated),
  );
  const hop = chain[silent];
  const log = logs[silent];
  if (hop === undefined || log === undefined || login.gaveUpAfterS === null)
    return unknown(login, logs);
  return givenUp({ hop, from: chain[silent - 1] ?? null, next: null, log, text: "", login });
}

const REMEDY_OFF =
  "Is the machine on, and is this its address and port? Does a firewall let SSH in from here?";

/** Messages of OpenSSH 8 to 10 (ssh.c, sshconnect.c, channels.c, kex.c, packet.c), with strerror(3) texts. */
const SIGNS: [RegExp, (match: RegExpExecArray, at: Place) => Failure][] = [
  [HOST_KEY_REFUSED, hostKeyFailure],
  [/Too many authentication failures/, tooManyKeys],
  [/^.*Permission denied \(.*\)/m, deniedFailure],
  [/Could not resolve hostname (\S+): (.*)/, unknownName],
  [/open failed: administratively prohibited/, noForwarding],
  [
    /open failed: connect failed: (.*)/,
    (match, at) => unconnected(match[1] ?? "", { ...at, hop: at.next ?? at.hop, from: at.hop }),
  ],
  [
    /connect to (?:host|address) \S+ port \d+: (.*)/,
    (match, at) => unconnected(match[1] ?? "", at),
  ],
  [
    /(?:Connection timed out during banner exchange|Connection to .* timed out|Operation timed out)/,
    (_match, at) => noAnswer(at),
  ],
  [
    /kex_exchange_identification|Connection (?:closed|reset) by|ssh_exchange_identification/,
    dropped,
  ],
];

/** The hop whose log matched. */
export interface Place {
  hop: SshHop;
  /** The previous machine; null: this one. */
  from: SshHop | null;
  /** The next machine; null: it is the last. */
  next: SshHop | null;
  log: SshLog;
  /** The whole log, with debug output. */
  text: string;
  login: FailedAttempt;
}

function explainLog(log: SshLog, index: number, login: FailedAttempt): Failure | null {
  const hop = login.chain[index];
  if (hop === undefined) return null;
  const [from, next] = [login.chain[index - 1] ?? null, login.chain[index + 1] ?? null];
  const place = { hop, from, next, log, text: login.logTexts[index] ?? "", login };
  for (const [sign, explain] of SIGNS) {
    const match = sign.exec(log.words);
    if (match !== null) return explain(match, place);
  }
  return null;
}

function unknown(login: FailedAttempt, logs: SshLog[]): Failure {
  if (login.isTooMuch) {
    return {
      kind: "other",
      cause: `more than ${MESSAGES_CAP >> 10} KB of messages came before the login, so it was ended${quoted(login.output)}`,
      remedy: `Look what it is: ${byHand(login.chain)} true 2>&1 | head`,
    };
  }
  const ssh = logs.map(({ words }) => words).join("\n");
  const word = printable(ssh.trim().split("\n").at(-1) ?? "");
  const cause = word === "" ? "ssh ended without a message" : `ssh says: ${word}`;
  return {
    kind: "other",
    cause: word === "" && login.output.trim() !== "" ? `ssh ended${quoted(login.output)}` : cause,
    remedy: `Try it by hand: ${byHand(login.chain)}`,
  };
}

/** A timeout, explained by the step that took too long. */
function givenUp(at: Place): Failure {
  const { hop, log, login } = at;
  const seconds = login.gaveUpAfterS ?? 0;
  if (log.signing !== null) return unsigned(at, log.signing);
  if (log.isReached) {
    return {
      kind: "timed-out",
      cause: `${hop.address} port ${hop.port} answers, but did not finish the login within ${seconds} s${quoted(login.output)}`,
      remedy: `Its sshd is slow, or waits for DNS or a directory service: sudo journalctl -n 20 -u ssh -u sshd there. Try: ${byHand(login.chain)}`,
    };
  }
  if (at.from === null && isIP(hop.address) === 0 && log.dialled.length === 0 && log.words === "") {
    return {
      kind: "timed-out",
      cause: `the name ${hop.address} was looked up for ${seconds} s without an answer, or a proxy for it did not answer`,
      remedy: `Look at this machine's DNS (getent hosts ${hop.address}) and at ssh_config (ssh -G ${hop.address}).`,
    };
  }
  return noAnswer(at);
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

/** `error`: strerror(3) text of connect(2) to `at.hop`. */
function unconnected(error: string, at: Place): Failure {
  const { hop, from } = at;
  const where = `${hop.address} port ${hop.port}`;
  if (error.includes("refused")) {
    return {
      kind: "refused",
      cause: `connection refused by ${where}${otherAddresses(at)}`,
      remedy:
        "The machine is there, but no sshd listens: start it there (sudo systemctl start ssh), or correct the port.",
    };
  }
  if (error.includes("timed out")) return noAnswer(at);
  if (/resolve|not known|Name or service/i.test(error)) {
    return {
      kind: "unknown-name",
      cause: `the name ${hop.address} is not known ${at.from === null ? "here" : `on ${at.from.address}`}`,
      remedy: "Correct it in the stack config.",
    };
  }
  return {
    kind: "no-route",
    cause: `no way to ${where} (${error.trim()})${otherAddresses(at)}`,
    remedy: `Is the machine on, is the address right, and is ${from?.address ?? "this machine"} on the right network? See${
      from === null ? "" : ` on ${from.address}`
    }: ip route get ${hop.address}`,
  };
}

function noAnswer(at: Place): Failure {
  const { hop } = at;
  return {
    kind: "timed-out",
    cause: `timed out: ${hop.address} port ${hop.port} does not answer${otherAddresses(at)}`,
    remedy: REMEDY_OFF,
  };
}

/** If the name has several addresses, how each failed. */
function otherAddresses({ from, log }: Place): string {
  if (from !== null || log.dialled.length < 2) return "";
  const lines = log.dialled.slice(0, 8);
  return lines
    .map(({ address, error }) => `\n    ${address}: ${printable(error ?? "no answer")}`)
    .join("");
}

function dropped(match: RegExpExecArray, { hop, log, login }: Place): Failure {
  // A clean close after keys were offered is a refusal. Retrying would fail again and may trigger fail2ban.
  const isBooting = /booting|nologin/i.test(login.output);
  if (match[0].startsWith("Connection closed") && log.offered > 0 && !isBooting) {
    return {
      kind: "denied",
      cause: `${formatHop(hop)} closed the connection when your SSH key came${quoted(login.output)}`,
      remedy: `A rule for accounts refuses it there (expired or locked, AllowUsers, pam_access): sudo journalctl -n 20 -u ssh -u sshd. Try: ${byHand(login.chain)}`,
    };
  }
  return {
    kind: "dropped",
    cause: `${hop.address} port ${hop.port} closed the connection before the login${quoted(login.output)}`,
    remedy:
      "Too many logins at once there (MaxStartups in sshd_config), a block on this address (fail2ban), or no sshd at all on that port.",
  };
}
