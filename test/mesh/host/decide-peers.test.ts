/** The steps for keys and peers, as the host gets them. */
import assert from "node:assert/strict";
import { pingPeers } from "../../../mesh/host/handshakes";
import {
  changeOn,
  neighbour,
  peerOf,
  pushed,
  RELAY,
  stepsText,
  wantedBy,
} from "./support/examples";
import type { RequestDraw } from "./support/requests";
import { look } from "./support/situations";

const [FIRST, SECOND] = [
  neighbour(0, { endpoint: "198.51.100.1:51820" }),
  neighbour(1, { lans: [0] }),
];
const relay = (...neighbours: RequestDraw["neighbours"]): RequestDraw => ({ ...RELAY, neighbours });

describe("the steps for peers", () => {
  it("add a peer and name no other", () => {
    const change = changeOn(
      pushed(),
      relay(FIRST, SECOND, neighbour(2, { presharedKey: 1, keepalive: 25 })),
    );
    assert.deepEqual(stepsText(change, "apply"), [
      "wg wg0",
      "  [Peer]",
      "  PublicKey = <peer2>",
      "  AllowedIPs = 10.86.0.22/32",
      "  PresharedKey = <preshared 1>",
      "  PersistentKeepalive = 25",
      "ping 10.86.0.20",
    ]);
    assert.deepEqual(stepsText(change, "undo"), ["set wg0 peer <peer2> remove"]);
  });

  it("remove a peer, and the undo restores all its settings", () => {
    const host = pushed(relay({ ...FIRST, presharedKey: 0 }, SECOND));
    const change = changeOn(host, relay(SECOND));
    assert.deepEqual(stepsText(change, "apply"), ["set wg0 peer <peer0> remove"]);
    assert.deepEqual(stepsText(change, "undo"), [
      "wg wg0",
      "  [Peer]",
      "  PublicKey = <peer0>",
      "  AllowedIPs = 10.86.0.20/32",
      "  PresharedKey = (now) wg0 <peer0>",
      "  PersistentKeepalive = 0",
      "  Endpoint = 198.51.100.1:51820",
      "ping 10.86.0.20",
    ]);
  });

  it("remove a preshared key with zeros, and bring it back from the running interface", () => {
    const change = changeOn(pushed(relay({ ...FIRST, presharedKey: 0 })), relay(FIRST));
    assert.ok(stepsText(change, "apply").includes("  PresharedKey = <none>"));
    assert.ok(stepsText(change, "undo").includes("  PresharedKey = (now) wg0 <peer0>"));
    const added = changeOn(pushed(relay(FIRST)), relay({ ...FIRST, presharedKey: 0 }));
    assert.ok(stepsText(added, "apply").includes("  PresharedKey = <preshared 0>"));
    assert.ok(stepsText(added, "undo").includes("  PresharedKey = <none>"));
  });

  it("change a keepalive without the endpoint of a peer that has roamed", () => {
    const host = pushed();
    peerOf(host, 0).endpoint = "192.0.2.1:4500";
    peerOf(host, 0).handshake = host.now - 30;
    const change = changeOn(host, relay({ ...FIRST, keepalive: 25 }, SECOND));
    for (const name of ["apply", "undo"] as const) {
      assert.ok(!stepsText(change, name).join("\n").includes("Endpoint"));
    }
  });

  it("give a peer with another endpoint in the config a new session", () => {
    const change = changeOn(pushed(), relay({ ...FIRST, endpoint: "198.51.100.2:51820" }, SECOND));
    assert.deepEqual(stepsText(change, "apply"), [
      "set wg0 peer <peer0> remove",
      "wg wg0",
      "  [Peer]",
      "  PublicKey = <peer0>",
      "  AllowedIPs = 10.86.0.20/32",
      "  PersistentKeepalive = 0",
      "  Endpoint = 198.51.100.2:51820",
      "ping 10.86.0.20",
    ]);
    assert.deepEqual(stepsText(change, "undo"), [
      "set wg0 peer <peer0> remove",
      "wg wg0",
      "  [Peer]",
      "  PublicKey = <peer0>",
      "  AllowedIPs = 10.86.0.20/32",
      "  PresharedKey = <none>",
      "  PersistentKeepalive = 0",
      "  Endpoint = 198.51.100.1:51820",
      "ping 10.86.0.20",
    ]);
  });

  it("set the endpoint of a silent peer back without a new session", () => {
    const host = pushed();
    peerOf(host, 0).endpoint = "192.0.2.1:4500";
    peerOf(host, 0).handshake = host.now - 180;
    const apply = stepsText(changeOn(host), "apply");
    assert.ok(!apply.some((line) => line.startsWith("forget")));
    assert.ok(apply.includes("  Endpoint = 198.51.100.1:51820"));
  });

  it("give a peer whose machine was replaced a new session", () => {
    const host = pushed({ ...RELAY, instance: "i-1" });
    peerOf(host, 0).handshake = host.now - 10;
    const change = changeOn(host, { ...RELAY, instance: "i-2" });
    assert.equal(stepsText(change, "apply")[0], "set wg0 peer <peer0> remove");
    assert.equal(stepsText(change, "apply").at(-1), "ping 10.86.0.20");
  });

  it("move a LAN to the peer that gets it first, then away from the other", () => {
    const former = relay({ ...FIRST, lans: [0] }, { ...SECOND, lans: [] });
    const keys = stepsText(changeOn(pushed(former), relay(FIRST, SECOND)), "apply");
    assert.deepEqual(
      keys.filter((line) => /PublicKey|AllowedIPs/.test(line)),
      [
        "  PublicKey = <peer1>",
        "  AllowedIPs = 10.86.0.21/32, 192.168.10.0/24",
        "  PublicKey = <peer0>",
        "  AllowedIPs = 10.86.0.20/32",
      ],
    );
  });

  it("change the port and nothing else", () => {
    const change = changeOn(pushed(), { ...RELAY, port: 51821 });
    assert.deepEqual(stepsText(change, "apply").slice(0, 3), [
      "wg wg0",
      "  [Interface]",
      "  ListenPort = 51821",
    ]);
    assert.deepEqual(stepsText(change, "undo"), [
      "wg wg0",
      "  [Interface]",
      "  ListenPort = 51820",
    ]);
  });

  it("ping every peer with a known endpoint after a new key, and wait for required handshakes", () => {
    const host = pushed();
    peerOf(host, 1).endpoint = "192.0.2.7:4500";
    const draw = relay({ ...FIRST, mustShake: true }, SECOND);
    const change = changeOn(host, { ...draw, ownKey: 21 });
    const peers = (seconds: string, dialled: boolean) => [
      ...["  [Peer]", "  PublicKey = <peer0>", "  AllowedIPs = 10.86.0.20/32"],
      `  PersistentKeepalive = ${seconds}`,
      ...(dialled ? ["  Endpoint = 198.51.100.1:51820"] : []),
      ...["  [Peer]", "  PublicKey = <peer1>", "  AllowedIPs = 10.86.0.21/32, 192.168.10.0/24"],
      `  PersistentKeepalive = ${seconds}`,
      ...(dialled ? ["  Endpoint = 192.0.2.7:4500"] : []),
    ];
    // A keepalive that is switched on is sent at once.
    const kick = ["1", "0"].flatMap((seconds) => ["wg wg0", ...peers(seconds, false)]);
    const forget = "set wg0 peer <peer0> remove peer <peer1> remove";
    assert.deepEqual(stepsText(change, "apply"), [
      forget,
      ...["wg wg0", "  [Interface]", "  PrivateKey = <private 21>", ...peers("0", true)],
      ...kick,
      "ping 10.86.0.20 10.86.0.21",
      "shake wg0 15 <peer0> -",
    ]);
    const without = stepsText(change, "undo").filter((line) => !line.includes("PresharedKey"));
    assert.deepEqual(without, [
      forget,
      ...["wg wg0", "  [Interface]", "  PrivateKey = (now) wg0", ...peers("0", true)],
      ...kick,
      "ping 10.86.0.20 10.86.0.21",
    ]);
  });

  it("ping no more than 32 addresses", () => {
    const wanted = {
      ...wantedBy(RELAY),
      probes: Array.from({ length: 40 }, (_, at) => `10.0.0.${at}`),
    };
    const [ping] = pingPeers([], look(pushed(), wanted), wanted).apply;
    assert.ok(ping?.do === "ping");
    assert.deepEqual(ping.addresses, wanted.probes.slice(0, 32));
  });

  it("ping no peer from an instance without its address", () => {
    const wanted = { ...wantedBy(RELAY), probes: ["10.0.0.1"], isQuiet: true };
    const host = pushed();
    assert.deepEqual(pingPeers([], look(host, wanted), wanted).apply, []);
  });

  it("do not set a key that only the host has", () => {
    const change = changeOn(pushed(), { ...RELAY, ownKey: 21, onHost: true });
    const line = stepsText(change, "apply").find((it) => it.includes("PrivateKey"));
    assert.match(line ?? "", /^ {2}PrivateKey = \(on this host\) \S{43}=$/);
  });
});
