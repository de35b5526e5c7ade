/** The progress of a login, read from ssh's log; all lines were captured from OpenSSH 9.2 at LogLevel=DEBUG1. */
import * as assert from "node:assert/strict";
import { readSshLog } from "../../scripts/push/ssh-log";
import { LET_IN, logOf } from "./support/failed-login";

const KEY = "ED25519 SHA256:tfHS//eNYyDq90UZrjKRd2kbKc0FFu2ia2PZ9DSx3nM";
const GREETED = logOf(
  "debug1: Connecting to relay.example.org [2001:db8::1] port 22.",
  "debug1: connect to address 2001:db8::1 port 22: Connection timed out",
  "debug1: Connecting to relay.example.org [203.0.113.10] port 22.",
  "debug1: Connection established.",
  "debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1",
);

describe("a log of ssh", () => {
  it("names each address that was dialled, with its error", () => {
    const dialling = readSshLog(logOf(...GREETED.split("\r\n").slice(0, 3)));
    assert.deepEqual(dialling.dialled, [
      { address: "2001:db8::1", error: "Connection timed out" },
      { address: "203.0.113.10", error: null },
    ]);
    assert.equal(dialling.isReached, false);
    assert.equal(readSshLog(GREETED).isReached, true);
  });

  it("shows when the user is authenticated, and has no messages then", () => {
    const log = readSshLog(LET_IN);
    assert.equal(log.isAuthenticated, true);
    assert.equal(log.words.trim(), "");
    assert.equal(readSshLog(GREETED).isAuthenticated, false);
  });

  it("names the key whose signature is pending, until it is made or fails", () => {
    const accepted = GREETED + logOf(`debug1: Server accepts key: taro's key ${KEY} agent`);
    assert.equal(readSshLog(accepted).signing, KEY);
    const started = logOf("debug1: start_helper: starting /usr/lib/openssh/ssh-sk-helper ");
    assert.equal(readSshLog(accepted + started).signing, KEY);
    for (const line of [
      'Authenticated to relay.example.org ([203.0.113.10]:22) using "publickey".',
      'sign_and_send_pubkey: signing failed for ED25519 "taro\'s key" from agent: agent refused operation',
      "debug1: Authentications that can continue: publickey",
    ]) {
      assert.equal(readSshLog(accepted + logOf(line)).signing, null, line);
    }
    assert.equal(readSshLog(GREETED).signing, null);
  });

  it("counts the keys that were offered", () => {
    const offers = [1, 2, 3].map((n) => `debug1: Offering public key: k${n} ${KEY} agent`);
    assert.equal(readSshLog(logOf(...offers)).offered, 3);
  });

  it("distinguishes a key with a forced command from one without", () => {
    const at = "debug1: Remote: /home/taro/.ssh/authorized_keys:1: key options:";
    const forced = readSshLog(
      logOf(`${at} agent-forwarding command port-forwarding pty user-rc x11-forwarding`),
    );
    assert.equal(forced.isForced, true);
    const free = readSshLog(logOf(`${at} agent-forwarding port-forwarding pty user-rc`));
    assert.equal(free.isForced, false);
  });

  it("has ssh's messages, without debug output and the end of a connection", () => {
    const log = readSshLog(
      logOf(
        "debug1: Authentications that can continue: publickey",
        "taro@10.0.0.2: Permission denied (publickey).",
        "Transferred: sent 3692, received 3384 bytes, in 0.1 seconds",
        "Bytes per second: sent 54404.3, received 49865.7",
      ),
    );
    assert.equal(log.words.trim(), "taro@10.0.0.2: Permission denied (publickey).");
  });

  it("is read in linear time, whatever a hostile server has put into it", () => {
    const options = "debug1: Remote: ".padEnd(250_000, ": key options: ");
    const lines = "debug1: Offering public key: \n".repeat(9_000);
    const begun = performance.now();
    readSshLog(options);
    readSshLog(lines);
    assert.ok(performance.now() - begun < 2_000);
  });
});
