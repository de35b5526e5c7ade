/** The failure causes that are derived from ssh's output; all output was captured from OpenSSH 9.2. */
import * as assert from "node:assert/strict";
import type { SshHop } from "../../mesh/push-request";
import { explainFailure, type Failure } from "../../scripts/push/ssh-failure";

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0u/c0cKBZlaUOiuGdIdumBH6c+PelQ0oCseqBOfKX3";
const JUMP: SshHop = {
  user: "admin",
  address: "203.0.113.10",
  port: 22,
  hostKeys: [KEY],
  authority: null,
};
const HOST: SshHop = {
  user: "taro",
  address: "10.0.0.2",
  port: 2222,
  hostKeys: [KEY],
  authority: null,
};

/** `talk`: the output of the jump's ssh and of the host's ssh. */
function explain(talk: string[], gaveUpAfterS: number | null = null): Failure {
  return explainFailure({ node: "desktop", chain: [JUMP, HOST], talk, gaveUpAfterS });
}

/** For a host without a jump. */
function direct(text: string): Failure {
  return explainFailure({ node: "desktop", chain: [HOST], talk: [text], gaveUpAfterS: null });
}

const MISMATCH = `Welcome, authorised only
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
The fingerprint for the ED25519 key sent by the remote host is
SHA256:aBLajv/CM4TD1YUUGl4CVbmeY4ZD9G5j8TPcr6wnx8w.
Please contact your system administrator.
Offending ED25519 key in /tmp/pcap/kh:1
Host key for wgm-0 has changed and you have requested strict checking.
Host key verification failed.
`;
/** The last ssh's output when the jump before it has failed. */
const JUMP_FAILED = "Connection closed by UNKNOWN port 65535\n";

describe("the cause of a failed login", () => {
  const CASES: [string, string, Failure["kind"], string][] = [
    [
      "a refused connection",
      "ssh: connect to host 10.0.0.2 port 2222: Connection refused\n",
      "refused",
      "connection refused by 10.0.0.2 port 2222",
    ],
    [
      "no answer to the connection",
      "ssh: connect to host 10.0.0.2 port 2222: Connection timed out\n",
      "timed-out",
      "timed out: 10.0.0.2 port 2222 does not answer",
    ],
    [
      "a connection without a greeting",
      "Connection timed out during banner exchange\nConnection to 10.0.0.2 port 2222 timed out\n",
      "timed-out",
      "timed out: 10.0.0.2 port 2222 does not answer",
    ],
    [
      "an unreachable network",
      "ssh: connect to host 10.0.0.2 port 2222: Network is unreachable\n",
      "no-route",
      "no way to 10.0.0.2 port 2222 (Network is unreachable)",
    ],
    [
      "an unknown name",
      "ssh: Could not resolve hostname no-such.invalid: Name or service not known\n",
      "unknown-name",
      "the name no-such.invalid is not known here (Name or service not known)",
    ],
    [
      "a server that closes the connection (MaxStartups, fail2ban)",
      "kex_exchange_identification: read: Connection reset by peer\nConnection reset by 10.0.0.2 port 2222\n",
      "dropped",
      "10.0.0.2 port 2222 closed the connection before the login",
    ],
    [
      "a refused key",
      "Welcome, authorised only\ntaro@10.0.0.2: Permission denied (publickey,keyboard-interactive).\n",
      "denied",
      "taro@10.0.0.2:2222 accepts none of the SSH keys that were offered",
    ],
    [
      "a sudo that requires a password",
      "sudo: a password is required\n",
      "no-root",
      "taro is let in, but may not become root without a password",
    ],
    [
      "a host without sudo, in dash",
      "sh: 1: exec: sudo: not found\n",
      "no-root",
      "taro is let in, but cannot become root, for there is no sudo",
    ],
    [
      "a host without sudo, in bash",
      "bash: line 1: exec: sudo: not found\n",
      "no-root",
      "taro is let in, but cannot become root, for there is no sudo",
    ],
    [
      "unknown output",
      "/root/.ssh/config: terminating, 1 bad configuration options\n",
      "other",
      "ssh says: /root/.ssh/config: terminating, 1 bad configuration options",
    ],
    ["no output", "", "other", "ssh ended without a word"],
  ];
  for (const [what, text, kind, cause] of CASES) {
    it(`is ${kind} for ${what}`, () => {
      const failure = direct(text);
      assert.deepEqual([failure.kind, failure.cause], [kind, cause]);
      assert.notEqual(failure.remedy, "");
    });
  }

  it("shows the expected and the actual fingerprint and a remedy for a wrong host key", () => {
    const failure = direct(MISMATCH);
    assert.equal(failure.kind, "host-key");
    assert.equal(
      failure.cause,
      "10.0.0.2 port 2222 shows another SSH host key than the pinned one, so nothing was sent\n" +
        "    expected: ssh-ed25519 SHA256:3fEdrPT1P6+FdiPknnQ23l80hqnK3/EvN0lwmEzt4jo\n" +
        "    got:      ED25519 SHA256:aBLajv/CM4TD1YUUGl4CVbmeY4ZD9G5j8TPcr6wnx8w",
    );
    assert.match(failure.remedy, /hostKey of desktop/);
  });

  it("is a wrong host key if the host has no key of the pinned type", () => {
    const text =
      "Unable to negotiate with 10.0.0.2 port 2222: no matching host key type found. Their offer: rsa-sha2-512,rsa-sha2-256\n";
    const failure = direct(text);
    assert.equal(failure.kind, "host-key");
    assert.match(failure.cause, /got: {6}no key of that type, but rsa-sha2-512,rsa-sha2-256/);
  });

  it("has the sudoers line as the remedy for sudo", () => {
    assert.match(
      direct("sudo: a password is required\n").remedy,
      /on that machine: echo "taro ALL=\(root\) NOPASSWD: ALL" \| sudo tee \/etc\/sudoers\.d\/wireguard-mesh/,
    );
  });

  it("distinguishes a locked agent from a rejected key", () => {
    const text =
      'sign_and_send_pubkey: signing failed for ED25519 "k" from agent: agent refused operation\n' +
      "taro@10.0.0.2: Permission denied (publickey).\n";
    assert.match(direct(text).remedy, /agent refused to sign/);
  });
});

describe("the cause of a failed login through a jump", () => {
  it("names the jump if the jump fails", () => {
    const refused = explain([
      "ssh: connect to host 203.0.113.10 port 22: Connection refused\n",
      JUMP_FAILED,
    ]);
    assert.equal(refused.cause, "connection refused by 203.0.113.10 port 22");
    const denied = explain(["admin@203.0.113.10: Permission denied (publickey).\n", JUMP_FAILED]);
    assert.equal(denied.cause, "admin@203.0.113.10 accepts none of the SSH keys that were offered");
    const mismatch = explain([MISMATCH, JUMP_FAILED]);
    assert.match(mismatch.cause, /^203\.0\.113\.10 port 22 shows another SSH host key/);
    assert.match(mismatch.remedy, /hostKey of the relay at 203\.0\.113\.10/);
  });

  it("names the host if the jump cannot connect to it", () => {
    const text =
      "channel 0: open failed: connect failed: No route to host\nstdio forwarding failed\n";
    const failure = explain([text, JUMP_FAILED]);
    assert.equal(failure.cause, "no way to 10.0.0.2 port 2222 (No route to host)");
    assert.match(failure.remedy, /on 203\.0\.113\.10: ip route get 10\.0\.0\.2/);
  });

  it("names the host if it does not answer behind the jump", () => {
    const failure = explain([
      "",
      "Connection timed out during banner exchange\nConnection to UNKNOWN port 65535 timed out\n",
    ]);
    assert.equal(failure.cause, "timed out: 10.0.0.2 port 2222 does not answer");
  });

  it("names a jump that forbids forwarding", () => {
    const text =
      "channel 0: open failed: administratively prohibited: open failed\nstdio forwarding failed\n";
    const failure = explain([text, JUMP_FAILED]);
    assert.equal(failure.kind, "no-forwarding");
    assert.match(failure.remedy, /AllowTcpForwarding yes/);
  });

  it("names the time limit if the program timed out", () => {
    const failure = explain(["", ""], 12);
    assert.deepEqual([failure.kind, failure.cause], ["timed-out", "no login within 12 s"]);
  });

  it("gives an ssh command to try by hand", () => {
    const failure = explain(["", "something new\n"]);
    assert.equal(failure.remedy, "Try it by hand: ssh -J admin@203.0.113.10 -p 2222 taro@10.0.0.2");
  });
});
