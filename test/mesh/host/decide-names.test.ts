/** What is decided about DNS names in endpoints. */
import assert from "node:assert/strict";
import {
  changeOn,
  decideOn,
  neighbour,
  notesOn,
  peerOf,
  pushed,
  pushedByOlder,
  RELAY,
  stepsText,
} from "./support/examples";
import type { Host } from "./support/host";
import { freshHost } from "./support/hosts";
import type { RequestDraw } from "./support/requests";

const FAR = "far.example.org:51820";
const relayWith = (...more: RequestDraw["neighbours"]): RequestDraw => ({
  ...RELAY,
  neighbours: [...RELAY.neighbours, ...more],
});

describe("a name in an endpoint", () => {
  const far = relayWith(neighbour(2, { endpoint: FAR }));

  it("that does not resolve leaves a new peer without an endpoint, with a note, and stops nothing else", () => {
    const host = pushed();
    host.resolver.clear();
    assert.deepEqual(stepsText(changeOn(host, far), "apply"), [
      "wg wg0",
      "  [Peer]",
      "  PublicKey = <peer2>",
      "  AllowedIPs = 10.86.0.22/32",
      "  PersistentKeepalive = 0",
      "ping 10.86.0.20 10.86.0.22",
    ]);
    assert.deepEqual(notesOn(host, far), [
      "far.example.org, the endpoint of peer2, does not resolve on this host; it has no endpoint until the name resolves: then run npx wireguard-mesh repush host",
    ]);
  });

  it("that does not resolve any more leaves its peer alone while the MTU changes", () => {
    const host = pushed(far);
    host.resolver.clear();
    const change = changeOn(host, { ...far, mtu: 1380 });
    assert.deepEqual(stepsText(change, "apply").slice(0, 2), ["ip", "  link set mtu 1380 dev wg0"]);
    assert.deepEqual(stepsText(change, "undo"), ["ip", "  link set mtu 1420 dev wg0"]);
    assert.deepEqual(notesOn(host, far), [
      "far.example.org, the endpoint of peer2, does not resolve on this host; its endpoint stays 203.0.113.5:51820",
    ]);
  });

  it("is equal to any of its addresses", () => {
    const host = pushed(far);
    peerOf(host, 2).endpoint = "203.0.113.6:51820";
    assert.equal(decideOn(host, far).kind, "nothing");
    assert.equal(
      decideOn(pushed(relayWith(neighbour(2, { endpoint: "203.0.113.5:51820" }))), far).kind,
      "change",
    );
  });

  it("that takes the place of its own address starts no new session", () => {
    const host = pushed(relayWith(neighbour(2, { endpoint: "203.0.113.5:51820" })));
    assert.deepEqual(stepsText(changeOn(host, far), "apply"), []);
  });

  it("that has another address is dialled there once its peer is silent for 180 s", () => {
    const host = pushed(far);
    host.resolver.set("far.example.org", ["203.0.113.99"]);
    peerOf(host, 2).handshake = host.now - 179;
    assert.deepEqual(stepsText(changeOn(host, far), "apply"), []);
    peerOf(host, 2).handshake = host.now - 180;
    assert.ok(stepsText(changeOn(host, far), "apply").includes("  Endpoint = 203.0.113.99:51820"));
  });

  it("that was unresolved is a new endpoint once it resolves, though the config is the same", () => {
    const host = pushed(relayWith(neighbour(2, { endpoint: "198.51.100.9:51820" })));
    const { resolver } = host;
    host.resolver = new Map();
    pushed(far, host);
    assert.equal(peerOf(host, 2).endpoint, "198.51.100.9:51820");
    peerOf(host, 2).handshake = host.now - 10;
    host.resolver = resolver;
    const apply = stepsText(changeOn(host, far), "apply");
    assert.equal(apply[0], "set wg0 peer <peer2> remove");
    assert.ok(apply.includes("  Endpoint = 203.0.113.5:51820"));
  });

  it("is an address in the file for the next boot, with the name above it", () => {
    const host = pushed(far);
    assert.ok(
      host.files
        .get("/etc/wireguard/wg0.conf")
        ?.includes("# Endpoint = far.example.org:51820\nEndpoint = 203.0.113.5:51820\n"),
    );
    host.resolver.set("far.example.org", ["203.0.113.6", "203.0.113.5"]);
    assert.equal(decideOn(host, far).kind, "nothing");
  });

  it("that does not resolve keeps the file's address, else the running one, else none", () => {
    const file = (host: Host) => host.files.get("/etc/wireguard/wg0.conf") ?? "";
    const kept = pushed(far);
    kept.resolver.clear();
    pushed({ ...far, mtu: 1380 }, kept);
    assert.ok(
      file(kept).includes("# Endpoint = far.example.org:51820\nEndpoint = 203.0.113.5:51820\n"),
    );
    const older = pushedByOlder(far);
    older.resolver.clear();
    pushed(far, older);
    assert.ok(
      file(older).includes("# Endpoint = far.example.org:51820\nEndpoint = 203.0.113.5:51820\n"),
    );
    const fresh = freshHost();
    fresh.resolver.clear();
    pushed(far, fresh);
    assert.match(file(fresh), /# Endpoint = far\.example\.org:51820\n$/);
  });
});
