/** The message to a host and its reply: complete lines only, and no value with a line break. */
import * as assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as fc from "fast-check";
import { parseFacts } from "../../scripts/push/facts";
import {
  composeMessage,
  hostScript,
  parseAnswer,
  parseComplaint,
} from "../../scripts/push/host-script";

const MARKS = { interface: "wg0", owner: "wireguard-mesh/dev", node: "desktop", machine: "m1" };

describe("the message to a host", () => {
  it("consists of the host script and a call with the payload and a final end", () => {
    assert.equal(
      composeMessage("apply", MARKS, { token: "t1", timeout: 45 }),
      `${hostScript()}\nmain <<'END_OF_PAYLOAD'\n` +
        "verb apply\ninterface wg0\nowner wireguard-mesh/dev\nnode desktop\nmachine m1\ntoken t1\ntimeout 45\n" +
        "end\nEND_OF_PAYLOAD\n",
    );
  });

  it("rejects values with a line break", () => {
    const broken = fc
      .tuple(fc.string(), fc.constantFrom("\n", "\r", "\0"), fc.string())
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(broken, (owner) => {
        assert.throws(() => composeMessage("facts", { ...MARKS, owner }), /owner has a line break/);
      }),
    );
  });

  it("only defines functions if it is truncated before the call", () => {
    const message = composeMessage("facts", { ...MARKS, interface: "wgnosuch0" });
    const cut = message.slice(0, message.indexOf("\nmain <<"));
    const run = spawnSync("sh", ["-s"], { input: cut, encoding: "utf8" });
    assert.deepEqual([run.status, run.stdout, run.stderr], [0, "", ""]);
  });

  it("is rejected by the host script if its payload is truncated", () => {
    const message = composeMessage("facts", { ...MARKS, interface: "wgnosuch0" });
    const cut = message.slice(0, message.lastIndexOf("\nend\n"));
    const run = spawnSync("sh", ["-s"], { input: cut, encoding: "utf8" });
    assert.equal(run.status, 1);
    assert.match(parseComplaint(run.stderr) ?? "", /cut short/);
  });
});

describe("the reply of a host", () => {
  it("is parsed by key; other lines are ignored", () => {
    const answer = parseAnswer("outcome pending\nHello World\nnote one\nnote two 2\nend\n");
    assert.deepEqual(Object.fromEntries(answer), {
      outcome: ["pending"],
      note: ["one", "two 2"],
      end: [""],
    });
  });

  it("has its last error with the remedy, whatever else is on stderr", () => {
    const stderr =
      "[#] ip link add\nerror: first\nremedy: one\nwarning: x\nerror: second\nremedy: two\nbye\n";
    assert.equal(parseComplaint(stderr), "second\ntwo");
    assert.equal(parseComplaint("no complaint here\n"), null);
  });
});

describe("the facts of a host", () => {
  it("are parsed with their peers; unknown keys are ignored", () => {
    const facts = parseFacts(
      [
        "owner wireguard-mesh/dev",
        "node relay",
        "machine m1",
        "digest abc",
        "rolled-back t0",
        "file def",
        "confirmed-file abc",
        "at-boot no",
        "route add -4 10.0.0.2/32",
        "stale K2 203.0.113.9:1 vpn.example:1",
        "forwarding 1 0",
        "now 1700000000",
        "interface up",
        "backend userspace",
        "mtu 1420",
        "addresses 10.0.0.1/24 fd5c:10::1/64 ",
        "public-key PUB",
        "listen-port 51820",
        "something new",
        "peer K1 203.0.113.9:51820 10.0.0.2/32,fd5c:10::2/128 1699999990 148 92 25",
        "peer K2 (none) (none) 0 0 0 off",
        "watcher running",
        "alternate wg0-next",
        "alternate-public-key NEXT",
        "alternate-listen-port 51821",
        "alternate-peer K2 203.0.113.8:4500 10.0.0.3/32 1699999980 1 2 off",
      ].join("\n"),
    );
    assert.deepEqual(facts, {
      owner: "wireguard-mesh/dev",
      node: "relay",
      machine: "m1",
      digest: "abc",
      pending: null,
      rolledBack: "t0",
      backend: "userspace",
      file: "def",
      confirmedFile: "abc",
      atBoot: false,
      routeChanges: ["add -4 10.0.0.2/32"],
      staleEndpoints: [{ publicKey: "K2", is: "203.0.113.9:1", planned: "vpn.example:1" }],
      runsOtherwise: false,
      notes: [],
      interface: "up",
      publicKey: "PUB",
      listenPort: 51820,
      mtu: 1420,
      addresses: ["10.0.0.1/24", "fd5c:10::1/64"],
      forwarding: { ipv4: true, ipv6: false },
      now: 1700000000,
      peers: [
        {
          publicKey: "K1",
          endpoint: "203.0.113.9:51820",
          allowedIps: ["10.0.0.2/32", "fd5c:10::2/128"],
          latestHandshake: 1699999990,
          receivedBytes: 148,
          sentBytes: 92,
          persistentKeepalive: 25,
        },
        {
          publicKey: "K2",
          endpoint: null,
          allowedIps: [],
          latestHandshake: null,
          receivedBytes: 0,
          sentBytes: 0,
          persistentKeepalive: null,
        },
      ],
      alternate: {
        interface: "wg0-next",
        publicKey: "NEXT",
        listenPort: 51821,
        peers: [
          {
            publicKey: "K2",
            endpoint: "203.0.113.8:4500",
            allowedIps: ["10.0.0.3/32"],
            latestHandshake: 1699999980,
            receivedBytes: 1,
            sentBytes: 2,
            persistentKeepalive: null,
          },
        ],
      },
      watcher: "running",
    });
  });

  it("are empty for a host without wireguard-mesh", () => {
    const facts = parseFacts("forwarding 0 0\nnow 1\ninterface missing\n");
    assert.deepEqual(
      [facts.owner, facts.digest, facts.interface, facts.peers],
      [null, null, "missing", []],
    );
  });
});
