/** The steps while keys rotate: trials, pairs of keys, and a second interface. */
import assert from "node:assert/strict";
import {
  changeOn,
  decideOn,
  neighbour,
  notesOn,
  peerOf,
  pushed,
  pushedByOlder,
  refusalOn,
  RELAY,
  stepsText,
  wantedBy,
} from "./support/examples";
import { decide } from "../../../mesh/host/decide";
import { deviceOf, giveAllowedIps, type Host } from "./support/host";
import { IFACE, SECOND as SECOND_IFACE } from "./support/observe";
import { currentKey, nextKey, type RequestDraw } from "./support/requests";
import { look, OPTIONS, situationOf } from "./support/situations";

const [FIRST, SECOND] = [
  neighbour(0, { endpoint: "198.51.100.1:51820" }),
  neighbour(1, { lans: [0] }),
];
const relay = (...neighbours: RequestDraw["neighbours"]): RequestDraw => ({ ...RELAY, neighbours });

describe("the steps while keys rotate", () => {
  it("first try a new key that needs a handshake, next to the old one", () => {
    const change = changeOn(pushed(), relay({ ...FIRST, keys: "next", mustShake: true }, SECOND));
    assert.deepEqual(stepsText(change, "apply"), [
      "wg wg0",
      "  [Peer]",
      "  PublicKey = <peer0 next>",
      "  PersistentKeepalive = 5",
      "  Endpoint = 198.51.100.1:51820",
      "shake wg0 8 <peer0 next> 198.51.100.1:51820",
      "wg wg0",
      "  [Peer]",
      "  PublicKey = <peer0 next>",
      "  AllowedIPs = 10.86.0.20/32",
      "  PersistentKeepalive = 0",
      "  Endpoint = 198.51.100.1:51820",
      "set wg0 peer <peer0> remove",
      "ping 10.86.0.20",
    ]);
    // The neighbour may have switched to the new key: then the undo starts a new session with the former one.
    assert.deepEqual(
      stepsText(change, "undo").filter((line) => !line.startsWith("  ")),
      [
        ...["leave wg0 <peer0 next> <peer0>", "wg wg0", "set wg0 peer <peer0 next> remove"],
        "ping 10.86.0.20",
      ],
    );
  });

  it("wait after the change for a peer that must shake hands at another endpoint", () => {
    const moved = { ...FIRST, endpoint: "198.51.100.2:51820", mustShake: true };
    const apply = stepsText(changeOn(pushed(), relay(moved, SECOND)), "apply");
    assert.deepEqual(apply.slice(-2), [
      "ping 10.86.0.20",
      "shake wg0 15 <peer0> 198.51.100.2:51820",
    ]);
  });

  it("wait for no handshake of a peer that stays as it is", () => {
    const change = changeOn(pushed(), relay({ ...FIRST, mustShake: true, keepalive: 25 }, SECOND));
    assert.ok(!stepsText(change, "apply").some((line) => line.startsWith("shake")));
  });

  const both = relay(FIRST, { ...SECOND, keys: "both" });

  it("leave the prefixes of two keys with the one that has them", () => {
    const host = pushed(both);
    const { allowedIps } = peerOf(host, 1);
    giveAllowedIps(deviceOf(host, IFACE), nextKey(1), [...allowedIps]);
    assert.equal(decideOn(host, both).kind, "nothing");
    const apply = stepsText(
      changeOn(host, relay({ ...FIRST, keepalive: 5 }, { ...SECOND, keys: "both" })),
      "apply",
    );
    assert.ok(!apply.join("\n").includes("<peer1"));
  });

  it("give the prefixes to the current key where both have some", () => {
    const host = pushed(both);
    giveAllowedIps(deviceOf(host, IFACE), nextKey(1), ["192.168.10.0/24"]);
    const apply = stepsText(changeOn(host, both), "apply");
    assert.deepEqual(apply.slice(2, 4), [
      "  PublicKey = <peer1>",
      "  AllowedIPs = 10.86.0.21/32, 192.168.10.0/24",
    ]);
  });

  it("give the prefixes to the current key where neither has them", () => {
    const host = pushed(both);
    peerOf(host, 1).allowedIps.clear();
    const apply = stepsText(changeOn(host, both), "apply");
    assert.deepEqual(apply.slice(0, 3), ["wg wg0", "  [Peer]", "  PublicKey = <peer1>"]);
    assert.equal(apply[3], "  AllowedIPs = 10.86.0.21/32, 192.168.10.0/24");
  });

  it("start the watcher with what rotates, and end it first when the pair ends", () => {
    assert.deepEqual(stepsText(changeOn(pushed(), both), "apply").slice(-3), [
      "watch",
      "  pair wg0 <peer1> <peer1 next> 10.86.0.21/32,192.168.10.0/24",
      "ping 10.86.0.20",
    ]);
    const host = pushed(both);
    const change = changeOn(host, relay(FIRST, { ...SECOND, keys: "next" }));
    assert.equal(stepsText(change, "apply")[0], "watch -");
    assert.deepEqual(stepsText(change, "undo").slice(-2), [
      "watch",
      "  pair wg0 <peer1> <peer1 next> 10.86.0.21/32,192.168.10.0/24",
    ]);
    host.watcherRuns = false;
    const restart = stepsText(changeOn(host, both), "apply");
    assert.equal(restart[0], "watch");
  });

  it("add a second interface with its rules, loosen the reverse path filter, and undo all that", () => {
    const change = changeOn(pushed(), { ...RELAY, second: { key: 21, port: 51821 } });
    const heads = (name: "apply" | "undo") =>
      stepsText(change, name).filter((it) => !it.startsWith("  "));
    assert.deepEqual(heads("apply"), [
      "link wg0-next",
      "wg wg0-next",
      "ip",
      "ip",
      "ip6",
      "sysctl net/ipv4/conf/wg0/rp_filter 2",
      "sysctl net/ipv4/conf/wg0-next/rp_filter 2",
      "watch",
      "ping 10.86.0.20",
    ]);
    assert.deepEqual(heads("undo"), [
      "watch -",
      "sysctl net/ipv4/conf/wg0/rp_filter 1",
      "ip6",
      "ip",
      "unlink wg0-next",
    ]);
    assert.ok(stepsText(change, "apply").includes("  rule add priority 5182 table 5182"));
  });

  it("remove a second interface before the first takes its key and port", () => {
    const host = pushed({ ...RELAY, second: { key: 21, port: 51821 } });
    const change = changeOn(host, { ...RELAY, ownKey: 21, port: 51821 });
    const apply = stepsText(change, "apply");
    assert.ok(apply.indexOf("unlink wg0-next") < apply.indexOf("  ListenPort = 51821"));
    assert.ok(apply.includes("sysctl net/ipv4/conf/wg0/rp_filter 1"));
    const undo = stepsText(change, "undo");
    assert.ok(undo.indexOf("  ListenPort = 51820") < undo.indexOf("link wg0-next"));
    assert.deepEqual(
      undo.filter((line) => line.includes("PrivateKey")),
      ["  PrivateKey = (now) wg0", "  PrivateKey = (now) wg0-next"],
    );
  });

  describe("of a relay whose first interface takes over", () => {
    const during = { ...RELAY, second: { key: 21, port: 51821 } };
    const finished = { ...RELAY, ownKey: 21, port: 51821 };
    const moved = () => {
      const host = pushed(during);
      heard(host, SECOND_IFACE, 1, "192.0.2.7:4500", host.now - 10);
      heard(host, IFACE, 1, "192.0.2.1:1000", host.now - 100);
      return host;
    };

    it("send to each peer's latest endpoint, by a keepalive that is turned on and off", () => {
      const apply = stepsText(changeOn(moved(), finished), "apply");
      const at = apply.indexOf("  Endpoint = 192.0.2.7:4500");
      assert.deepEqual(apply.slice(at - 3, at + 1), [
        "  PublicKey = <peer1>",
        "  AllowedIPs = 10.86.0.21/32, 192.168.10.0/24",
        "  PersistentKeepalive = 0",
        "  Endpoint = 192.0.2.7:4500",
      ]);
      assert.ok(apply.indexOf("unlink wg0-next") < at);
      const host = moved();
      situationOf(host, finished)?.run("apply");
      const { endpoint, keepalive } = peerOf(host, 1);
      assert.deepEqual({ endpoint, keepalive }, { endpoint: "192.0.2.7:4500", keepalive: 0 });
    });

    it("keep the endpoint of a peer that used the first interface later", () => {
      const host = moved();
      heard(host, IFACE, 1, "192.0.2.1:1000", host.now - 5);
      situationOf(host, finished)?.run("apply");
      assert.equal(peerOf(host, 1).endpoint, "192.0.2.1:1000");
    });

    it("are undone so that both interfaces send to their peers again, and the first has no stale handshakes", () => {
      const host = moved();
      const situation = situationOf(host, finished);
      situation?.run("apply");
      peerOf(host, 1).handshake = host.now;
      const undo = stepsText(changeOn(moved(), finished), "undo");
      const kicked = (name: string) =>
        undo.filter((line, at) => line === `wg ${name}` && undo[at + 4]?.endsWith("= 1")).length;
      assert.deepEqual([kicked("wg0"), kicked("wg0-next")], [1, 1]);
      situation?.run("undo");
      assert.equal(peerOf(host, 1).handshake, 0);
      assert.equal(
        deviceOf(host, SECOND_IFACE).peers.get(currentKey(1))?.endpoint,
        "192.0.2.7:4500",
      );
    });
  });

  describe("with a second interface of the same key, as older versions left it", () => {
    const left = { ...RELAY, second: { key: 20, port: 51821 } };
    const used = () => {
      const host = pushedByOlder(left);
      heard(host, SECOND_IFACE, 1, "192.0.2.7:4500", host.now - 10);
      return host;
    };

    it("leave it while a peer uses it, and name that peer", () => {
      const host = used();
      const { apply, commit } = changeOn(host);
      assert.deepEqual(apply, []);
      assert.ok(!commit.some((step) => "path" in step && step.path.includes("wg0-next")));
      assert.match(
        notesOn(host).join(),
        /wg0-next at UDP port 51821 .* used by peer1, so it stays/,
      );
      pushed(RELAY, host);
      assert.equal(decideOn(host).kind, "nothing");
    });

    it("refuse the next rotation while a peer uses it", () => {
      assert.match(
        refusalOn(used(), { ...RELAY, second: { key: 21, port: 51821 } }),
        /^wg0-next is left of an earlier rotation and still used by peer1; .*\n.*repush peer1/,
      );
    });

    it("remove it when no peer uses it any more", () => {
      const host = used();
      pushed(RELAY, host);
      heard(host, IFACE, 1, "192.0.2.7:4500", host.now - 5);
      assert.ok(stepsText(changeOn(host), "apply").includes("unlink wg0-next"));
    });

    it("take a peer back to the port at which it dials its relay", () => {
      const host = pushed();
      heard(host, IFACE, 0, "198.51.100.1:51821", host.now - 10);
      assert.equal(decideOn(host).kind, "nothing");
      const wanted = { ...wantedBy(RELAY), fixedPorts: [currentKey(0)] };
      const decision = decide(look(host, wanted), wanted, OPTIONS);
      assert.ok(decision.kind === "change");
      assert.deepEqual(stepsText(decision.change, "apply").slice(0, 6), [
        "set wg0 peer <peer0> remove",
        "wg wg0",
        "  [Peer]",
        "  PublicKey = <peer0>",
        "  AllowedIPs = 10.86.0.20/32",
        "  PersistentKeepalive = 0",
      ]);
      assert.ok(stepsText(decision.change, "apply").includes("  Endpoint = 198.51.100.1:51820"));
    });

    it("leave a relay that has roamed to another address", () => {
      const host = pushed();
      heard(host, IFACE, 0, "198.51.100.9:51821", host.now - 10);
      const wanted = { ...wantedBy(RELAY), fixedPorts: [currentKey(0)] };
      assert.equal(decide(look(host, wanted), wanted, OPTIONS).kind, "nothing");
    });
  });
});

function heard(host: Host, name: string, at: number, endpoint: string, handshake: number): void {
  const peer = deviceOf(host, name).peers.get(currentKey(at));
  assert.ok(peer !== undefined);
  Object.assign(peer, { endpoint, handshake });
}
