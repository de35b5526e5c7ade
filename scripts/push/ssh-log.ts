/** How far a login has come, as ssh's own log says at LogLevel DEBUG1: OpenSSH 7.6 to 10 (sshconnect.c, sshconnect2.c, kex.c). */

import * as fs from "node:fs";
import { MESSAGES_CAP } from "./limits";

export interface SshLog {
  /** What was dialled, in order. `error`: why it was not reached (strerror(3)); null: it was, or is being dialled. */
  dialled: { address: string; error: string | null }[];
  /** An SSH server has greeted. */
  isReached: boolean;
  /** How many keys were offered to it. */
  offered: number;
  /** The key that the server would take, as `ED25519-SK SHA256:…`, as long as its signature is waited for; "" if ssh does not say which. */
  signing: string | null;
  isAuthenticated: boolean;
  /** authorized_keys has a command of its own for the key. */
  isForced: boolean;
  /** What is no debug output: ssh's words for people. */
  words: string;
}

const ACCEPTS = "debug1: Server accepts key: ";
/** After the signature, in whatever way it went. */
const SIGNED =
  /^(Authenticated to |debug1: (Authentications that can continue|Offering public key)|.*signing failed|.*Permission denied|Connection closed|Received disconnect|Disconnected )/;
/** The only words at LogLevel VERBOSE that tell nobody anything: of the end of a connection, and of its success. */
const NOISE = /^(debug\d: |Transferred: sent |Bytes per second: |Authenticated to )/;

/** ssh itself cuts its lines at 1,023 bytes (log.c). */
const LONGEST = 1500;

export function readSshLog(text: string): SshLog {
  const log: SshLog = {
    dialled: [],
    isReached: false,
    offered: 0,
    signing: null,
    isAuthenticated: false,
    isForced: false,
    words: "",
  };
  // A jump's banner stands there too, and may be one line without end.
  for (const line of text.split(/\r?\n/)) readLine(log, line.slice(0, LONGEST));
  return log;
}

/** In bytes; 0 without a file. */
export function logSize(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** As much of a log as is read at all. */
export function readLog(file: string): string {
  if (logSize(file) === 0) return "";
  let handle: number;
  try {
    handle = fs.openSync(file, "r");
  } catch {
    // Cleared away meanwhile: of several ways that are tried at once, another one led there.
    return "";
  }
  try {
    const text = Buffer.alloc(Math.min(fs.fstatSync(handle).size, MESSAGES_CAP));
    return text.toString("utf8", 0, fs.readSync(handle, text, 0, text.length, 0));
  } finally {
    fs.closeSync(handle);
  }
}

function readLine(log: SshLog, line: string): void {
  if (line !== "" && !NOISE.test(line)) log.words += `${line}\n`;
  if (log.signing !== null && SIGNED.test(line)) log.signing = null;
  const dialled = /^debug1: Connecting to \S+ \[(\S+)\] port /.exec(line);
  if (dialled !== null) log.dialled.push({ address: dialled[1] ?? "", error: null });
  const failed = /^debug1: connect to address \S+ port \d+: (.*)/.exec(line);
  const last = log.dialled.at(-1);
  if (failed !== null && last !== undefined) last.error = failed[1] ?? "";
  if (line.startsWith("debug1: Remote protocol version ")) log.isReached = true;
  if (line.startsWith("debug1: Offering public key: ")) log.offered += 1;
  if (line.startsWith(ACCEPTS)) log.signing = /(\S+ SHA256:\S+)/.exec(line)?.[1] ?? "";
  if (line.startsWith("Authenticated to ")) log.isAuthenticated = true;
  // auth2-pubkeyfile.c of the server: `FILE:LINE: key options: agent-forwarding command pty`.
  if (/^debug1: Remote: .*: key options:.* command( |$)/.test(line)) log.isForced = true;
}
