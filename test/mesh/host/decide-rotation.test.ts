/** The steps while keys rotate: trials, pairs of keys, and a second interface. */
import assert from "node:assert/strict";
import {
  changeOn,
  decideOn,
  neighbour,
  peerOf,
  pushed,
  RELAY,
  stepsText,
} from "./support/examples";
import { deviceOf, giveAllowedIps } from "./support/host";
import { IFACE } from "./support/observe";
import { nextKey, type RequestDraw } from "./support/requests";

const [FIRST, SECOND] = [
  neighbour(0, { endpoint: "198.51.100.1:51820" }),
  neighbour(1, { lans: [0] }),
];
const relay = (...neighbours: RequestDraw["neighbours"]): RequestDraw => ({ ...RELAY, neighbours });

describe("the steps while keys rotate", () => {
  it("try a new key that must shake hands next to the old one, before anything else", () => {
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
    // The neighbour may have followed the new key: the undo begins a new session with the former one.
    assert.deepEqual(stepsText(change, "undo").slice(0, 2), [
      "wait 1",
      "set wg0 peer <peer0 next> remove peer <peer0> remove",
    ]);
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
});
