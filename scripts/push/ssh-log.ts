/** Reads the progress of a login from ssh's log at LogLevel DEBUG1: OpenSSH 7.6 to 10 (sshconnect.c, sshconnect2.c, kex.c). */

import * as fs from "node:fs";
import { MESSAGES_CAP } from "./limits";

export interface SshLog {
  /** Addresses in the order tried. `error`: strerror(3) text; null: connected, or still trying. */
  dialled: { address: string; error: string | null }[];
  /** The SSH server has sent its version. */
  isReached: boolean;
  /** How many keys were offered. */
  offered: number;
  /** The accepted key whose signature is pending, as `ED25519-SK SHA256:…`; "" if ssh does not name it. */
  signing: string | null;
  isAuthenticated: boolean;
  /** authorized_keys has a forced command for the key. */
  isForced: boolean;
  /** Lines that are not debug output. */
  words: string;
}

const ACCEPTS = "debug1: Server accepts key: ";
/** The first lines after a signature, whether it succeeded or not. */
const SIGNED =
  /^(Authenticated to |debug1: (Authentications that can continue|Offering public key)|.*signing failed|.*Permission denied|Connection closed|Received disconnect|Disconnected )/;
/** Lines without information for the user. */
const NOISE = /^(debug\d: |Transferred: sent |Bytes per second: |Authenticated to )/;

/** ssh cuts its own lines at 1,023 bytes (log.c). */
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
  // The log also has the jump host's banner, which may be a very long line.
  for (const line of text.split(/\r?\n/)) readLine(log, line.slice(0, LONGEST));
  return log;
}

/** In bytes; 0 without a file. */
export function logSize(file: string): number {
  return fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** At most the first MESSAGES_CAP bytes. */
export function readLog(file: string): string {
  if (logSize(file) === 0) return "";
  let handle: number;
  try {
    handle = fs.openSync(file, "r");
  } catch {
    // Removed in the meantime: another way, tried at the same time, worked.
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
  // The server's auth2-pubkeyfile.c: `FILE:LINE: key options: agent-forwarding command pty`.
  if (/^debug1: Remote: .*: key options:.* command( |$)/.test(line)) log.isForced = true;
}
