/** Failed logins for tests. */
import type { SshHop } from "../../../mesh/push-request";
import {
  explainFailure,
  type Failure,
  type FailedAttempt,
} from "../../../scripts/push/ssh-failure";

export const KEY =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0u/c0cKBZlaUOiuGdIdumBH6c+PelQ0oCseqBOfKX3";

export const HOST: SshHop = {
  user: "taro",
  address: "10.0.0.2",
  port: 2222,
  hostKeys: [KEY],
  authority: null,
};

/** A login to HOST that ended by itself with exit code 255, before ssh had said anything. */
export function failedLogin(change: Partial<FailedAttempt> = {}): FailedAttempt {
  return {
    node: "desktop",
    chain: [HOST],
    logTexts: [""],
    output: "",
    step: "ssh",
    exitCode: 255,
    gaveUpAfterS: null,
    isTooMuch: false,
    ...change,
  };
}

export function explain(change: Partial<FailedAttempt>): Failure {
  return explainFailure(failedLogin(change));
}

/** ssh's log as it is written: with CR LF. */
export function logOf(...lines: string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

/** The log of a login that was let in, captured from OpenSSH 9.2 and shortened. */
export const LET_IN = logOf(
  "debug1: Connecting to 10.0.0.2 [10.0.0.2] port 2222.",
  "debug1: Connection established.",
  "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2+deb12u10",
  "debug1: Authentications that can continue: publickey",
  "debug1: Next authentication method: publickey",
  "debug1: Offering public key: /root/.ssh/id_ed25519 ED25519 SHA256:tfHS//eNYyDq90UZrjKRd2kbKc0FFu2ia2PZ9DSx3nM",
  "debug1: Server accepts key: /root/.ssh/id_ed25519 ED25519 SHA256:tfHS//eNYyDq90UZrjKRd2kbKc0FFu2ia2PZ9DSx3nM",
  'Authenticated to 10.0.0.2 ([10.0.0.2]:2222) using "publickey".',
  "debug1: channel 0: new session [client-session] (inactive timeout: 0)",
  "debug1: Entering interactive session.",
  "debug1: Sending command: exec sh -c 'true'",
);
