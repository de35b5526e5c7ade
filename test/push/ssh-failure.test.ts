/** Causes of failure derived from ssh's output; all output was captured from OpenSSH 9.2. */
import * as assert from "node:assert/strict";
import type { SshHop } from "../../mesh/push-request";
import type { Failure } from "../../scripts/push/ssh-failure";
import { explain, HOST, KEY, LET_IN, logOf } from "./support/failed-login";

const JUMP: SshHop = {
  user: "admin",
  address: "203.0.113.10",
  port: 22,
  hostKeys: [KEY],
  authority: null,
};

/** `logTexts`: the logs of the jump's ssh and of the host's ssh. */
function behindJump(logTexts: string[], gaveUpAfterS: number | null = null): Failure {
  return explain({ chain: [JUMP, HOST], logTexts, gaveUpAfterS });
}

/** For a host without a jump. */
function direct(text: string, words = ""): Failure {
  return explain({ logTexts: [text], output: words });
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
      "taro@10.0.0.2: Permission denied (publickey,keyboard-interactive).\n",
      "denied",
      "taro@10.0.0.2:2222 accepts none of the SSH keys that were offered",
    ],
    [
      "unknown output",
      "/root/.ssh/config: terminating, 1 bad configuration options\n",
      "other",
      "ssh says: /root/.ssh/config: terminating, 1 bad configuration options",
    ],
    ["no output", "", "other", "ssh ended without a message"],
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

  it("distinguishes a locked agent from a rejected key", () => {
    const text =
      'sign_and_send_pubkey: signing failed for ED25519 "k" from agent: agent refused operation\n' +
      "taro@10.0.0.2: Permission denied (publickey).\n";
    const failure = direct(text);
    assert.match(failure.cause, /accepts one of your SSH keys.*\(agent refused operation\)$/);
    assert.match(failure.remedy, /agent refused to sign/);
  });

  it("names IdentitiesOnly and sshPrivateKey if the agent has too many keys", () => {
    const offers = [1, 2, 3, 4, 5, 6].map((n) => `debug1: Offering public key: k${n} ${KEY} agent`);
    const failure = direct(
      logOf(
        ...offers,
        "Received disconnect from 10.0.0.2 port 2222:2: Too many authentication failures",
        "Disconnected from 10.0.0.2 port 2222",
      ),
    );
    assert.equal(failure.kind, "denied");
    assert.equal(
      failure.cause,
      "taro@10.0.0.2:2222 closed the connection after 6 SSH keys, before the right one came",
    );
    assert.match(
      failure.remedy,
      /Host 10\.0\.0\.2, and below it IdentitiesOnly yes and IdentityFile/,
    );
    assert.match(failure.remedy, /wireguard-mesh:sshPrivateKey/);
  });

  it("names the key whose use was not confirmed in time", () => {
    const failure = explain({
      logTexts: [logOf("debug1: Server accepts key: k ED25519-SK SHA256:abc agent")],
      gaveUpAfterS: 31,
    });
    assert.equal(failure.kind, "denied");
    assert.equal(
      failure.cause,
      "taro@10.0.0.2:2222 accepts your SSH key ED25519-SK SHA256:abc, but nobody confirmed its use within 30 s",
    );
    assert.match(failure.remedy, /touch the token/);
  });

  it("shows what the host says before it closes the connection", () => {
    const words =
      '"System is booting up. Unprivileged users are not permitted to log in yet."\n\u001b[31mbye\u001b[0m';
    const failure = direct("Connection closed by 10.0.0.2 port 2222\n", words);
    assert.equal(failure.kind, "dropped");
    assert.equal(
      failure.cause,
      "10.0.0.2 port 2222 closed the connection before the login\n" +
        '    it says: "System is booting up. Unprivileged users are not permitted to log in yet."\n' +
        "             bye",
    );
  });

  it("is a refusal that is not retried if the connection is closed after a key was offered", () => {
    const offered = "debug1: Offering public key: k ED25519 SHA256:abc agent";
    const text = logOf(offered, "Connection closed by 10.0.0.2 port 2222");
    const failure = direct(text, "Your account has expired; please contact your administrator.");
    assert.equal(failure.kind, "denied");
    assert.match(
      failure.cause,
      /closed the connection when your SSH key came\n {4}it says: Your acc/,
    );
    assert.equal(direct(text, '"System is booting up."').kind, "dropped");
    assert.equal(direct(logOf(offered, "Connection reset by 10.0.0.2 port 2222")).kind, "dropped");
  });

  it("shows the output of the user's proxy if ssh has none", () => {
    const failure = direct("", 'nc: Proxy error: "HTTP/1.0 403 Forbidden"\n');
    assert.equal(
      failure.cause,
      'ssh ended\n    it says: nc: Proxy error: "HTTP/1.0 403 Forbidden"',
    );
  });

  it("lists how each address of a name failed", () => {
    const text = logOf(
      "debug1: Connecting to 10.0.0.2 [2001:db8::1] port 2222.",
      "debug1: connect to address 2001:db8::1 port 2222: Connection timed out",
      "debug1: Connecting to 10.0.0.2 [203.0.113.20] port 2222.",
      "debug1: connect to address 203.0.113.20 port 2222: Connection refused",
      "ssh: connect to host 10.0.0.2 port 2222: Connection refused",
    );
    assert.equal(
      direct(text).cause,
      "connection refused by 10.0.0.2 port 2222\n" +
        "    2001:db8::1: Connection timed out\n" +
        "    203.0.113.20: Connection refused",
    );
  });

  it("ignores failures in debug lines", () => {
    const slow = logOf(
      "debug1: Connecting to 10.0.0.2 [2001:db8::1] port 2222.",
      "debug1: connect to address 2001:db8::1 port 2222: Connection timed out",
      "debug1: Connecting to 10.0.0.2 [10.0.0.2] port 2222.",
      "debug1: Connection established.",
      "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1",
    );
    const failure = explain({ logTexts: [slow], gaveUpAfterS: 10 });
    assert.equal(failure.kind, "timed-out");
    assert.equal(
      failure.cause,
      "10.0.0.2 port 2222 answers, but did not finish the login within 10 s",
    );
    assert.match(failure.remedy, /journalctl/);
  });

  it("is DNS for a name that was never dialled", () => {
    const named = { ...HOST, address: "desktop.example.org" };
    const failure = explain({ chain: [named], logTexts: [""], gaveUpAfterS: 10 });
    assert.match(failure.cause, /^the name desktop\.example\.org was looked up for 10 s without/);
    assert.match(failure.remedy, /getent hosts desktop\.example\.org/);
  });

  it("is too much output before the login", () => {
    const failure = explain({ isTooMuch: true, output: "hello\nhello" });
    assert.match(failure.cause, /^more than 256 KB of messages came before the login/);
  });
});

describe("the cause of a failed login through a jump", () => {
  it("names the jump if the jump fails", () => {
    const refused = behindJump([
      "ssh: connect to host 203.0.113.10 port 22: Connection refused\n",
      JUMP_FAILED,
    ]);
    assert.equal(refused.cause, "connection refused by 203.0.113.10 port 22");
    const denied = behindJump([
      "admin@203.0.113.10: Permission denied (publickey).\n",
      JUMP_FAILED,
    ]);
    assert.equal(denied.cause, "admin@203.0.113.10 accepts none of the SSH keys that were offered");
    const mismatch = behindJump([MISMATCH, JUMP_FAILED]);
    assert.match(mismatch.cause, /^203\.0\.113\.10 port 22 shows another SSH host key/);
    assert.match(mismatch.remedy, /hostKey of the relay at 203\.0\.113\.10/);
  });

  it("names the host if the jump cannot connect to it", () => {
    const text =
      "channel 0: open failed: connect failed: No route to host\nstdio forwarding failed\n";
    const failure = behindJump([text, JUMP_FAILED]);
    assert.equal(failure.cause, "no way to 10.0.0.2 port 2222 (No route to host)");
    assert.match(failure.remedy, /on 203\.0\.113\.10: ip route get 10\.0\.0\.2/);
  });

  it("names the host if it does not answer behind the jump", () => {
    const failure = behindJump([
      "",
      "Connection timed out during banner exchange\nConnection to UNKNOWN port 65535 timed out\n",
    ]);
    assert.equal(failure.cause, "timed out: 10.0.0.2 port 2222 does not answer");
  });

  it("names a jump that forbids forwarding", () => {
    const text =
      "channel 0: open failed: administratively prohibited: open failed\nstdio forwarding failed\n";
    const failure = behindJump([text, JUMP_FAILED]);
    assert.equal(failure.kind, "no-forwarding");
    assert.match(failure.remedy, /AllowTcpForwarding yes/);
  });

  it("names the machine that had not authenticated the user when the time was up", () => {
    const atJump = behindJump(["", ""], 12);
    assert.deepEqual(
      [atJump.kind, atJump.cause],
      ["timed-out", "timed out: 203.0.113.10 port 22 does not answer"],
    );
    const atHost = behindJump([LET_IN, ""], 12);
    assert.equal(atHost.cause, "timed out: 10.0.0.2 port 2222 does not answer");
  });

  it("gives an ssh command to try by hand", () => {
    const failure = behindJump(["", "something new\n"]);
    assert.equal(failure.remedy, "Try it by hand: ssh -J admin@203.0.113.10 -p 2222 taro@10.0.0.2");
  });
});
