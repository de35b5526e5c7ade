/** What relays keep of a peer that is reached only through the tunnel, when its address and home relay change at once. */
import assert from "node:assert/strict";
import { wantedOf, type Wanted } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import { neighbour, peerOf, pushed, RELAY, stepsText } from "./support/examples";
import { deviceOf, sha256 } from "./support/host";
import { IFACE } from "./support/observe";
import { changeOf, decideOn, push, pushed as pushedWith } from "./support/pushes";
import { currentKey, requestOf, type RequestDraw } from "./support/requests";
import { CONF, ROTATION, SETTLED, takeAway, wantedWith } from "./support/moving-peer";

const LEFT_LINE = `former ${IFACE} 10.86.0.99/32 10.86.0.21/32 ${currentKey(1)}`;

describe("a relay whose peer gets another address and another home relay at once", () => {
  it("keeps the peer with its former address until it answers at the new one", () => {
    const host = pushed();
    const { change, notes } = changeOf(host, left());
    assert.deepEqual(stepsText(change, "apply"), [
      ...["wg wg0", "  [Peer]", "  PublicKey = <peer0>"],
      ...["  AllowedIPs = 10.86.0.20/32, 10.86.0.99/32", "  PersistentKeepalive = 0"],
      ...["  [Peer]", "  PublicKey = <peer1>", "  AllowedIPs = 10.86.0.21/32"],
      "  PersistentKeepalive = 0",
      ...["ip", "  route del 192.168.10.0/24 dev wg0 scope link proto boot"],
      ...["watch", `  ${LEFT_LINE.replace(currentKey(1), "<peer1>")}`],
      "ping 10.86.0.20",
    ]);
    assert.ok(
      notes.includes(`${currentKey(1)} keeps 10.86.0.21 until it answers at 10.86.0.99`),
      notes.join("\n"),
    );
    push(host, left());
    const file = host.files.get(CONF) ?? "";
    const section = `\n[Peer]\nPublicKey = ${currentKey(1)}\nAllowedIPs = 10.86.0.21/32\n`;
    assert.ok(file.endsWith(section), file);
    assert.equal(host.files.get(ROTATION), `${LEFT_LINE}\n`);
    assert.equal(decideOn(host, left()).kind, "nothing");
    takeAway(host);
    assert.equal(decideOn(host, left()).kind, "nothing");
  });

  it("removes the peer with the next config once the host cannot go back, and keeps it until then", () => {
    for (const isGone of [true, false]) {
      const host = pushed();
      push(host, left());
      takeAway(host);
      if (isGone) host.files.set(SETTLED, `${LEFT_LINE}\n`);
      push(host, left({ mtu: 1380 }));
      assert.equal(deviceOf(host, IFACE).peers.has(currentKey(1)), !isGone);
      assert.equal(host.files.get(ROTATION), isGone ? undefined : `${LEFT_LINE}\n`);
      assert.equal(decideOn(host, left({ mtu: 1380 })).kind, "nothing");
    }
  });

  it("keeps all places that the host may not have left: a third address, and its home again", () => {
    const host = pushed();
    push(host, left());
    push(host, left({}, "10.86.0.98"));
    const lines = [
      LEFT_LINE.replace("10.86.0.99", "10.86.0.98"),
      `former ${IFACE} 10.86.0.98/32 10.86.0.99/32 ${currentKey(0)}`,
    ];
    assert.equal(host.files.get(ROTATION), lines.map((line) => `${line}\n`).join(""));
    takeAway(host);
    push(host, moved("10.86.0.97"));
    const back = [
      `former ${IFACE} 10.86.0.97/32 10.86.0.21/32`,
      `former ${IFACE} 10.86.0.97/32 10.86.0.98/32,10.86.0.99/32 ${currentKey(0)}`,
    ];
    assert.equal(host.files.get(ROTATION), back.map((line) => `${line}\n`).join(""));
    assert.equal(decideOn(host, moved("10.86.0.97")).kind, "nothing");
  });

  it("keeps also the address before the last one, where the host may still be", () => {
    const host = pushed();
    push(host, moved());
    push(host, left());
    const home = `home ${IFACE} 10.86.0.99/32 ${currentKey(1)} ${currentKey(0)}`;
    assert.equal(host.files.get(ROTATION), `${home}\n${LEFT_LINE}\n`);
    assert.deepEqual([...peerOf(host, 1).allowedIps].sort(), ["10.86.0.21/32", "10.86.0.99/32"]);
    assert.equal(decideOn(host, left()).kind, "nothing");
  });
});

describe("a relay that is neither home, and routes to such a peer through another relay,", () => {
  const [FIRST, OTHER] = [neighbour(0), neighbour(1)];
  const far = currentKey(2);
  const at = (first: string, other: string, address: string): Wanted => {
    const request = requestOf({ ...RELAY, neighbours: [FIRST, OTHER] });
    const config = request.config
      .replace("10.86.0.20/32", `10.86.0.20/32${first}`)
      .replace("10.86.0.21/32", `10.86.0.21/32${other}`);
    return wantedOf(
      { ...request, config, tunnelOnly: [`${far} ${address}`] },
      sha256(config),
      publicKeyOf,
    );
  };
  const before = at(", 10.86.0.42/32", "", "10.86.0.42");

  it("routes its former address there too until it answers at the new one", () => {
    const host = pushedWith(before);
    const after = at(", 10.86.0.43/32", "", "10.86.0.43");
    push(host, after);
    const line = `former ${IFACE} 10.86.0.43/32 10.86.0.42/32 ${currentKey(0)}`;
    assert.equal(host.files.get(ROTATION), `${line}\n`);
    assert.deepEqual([...peerOf(host, 0).allowedIps].sort(), [
      ...["10.86.0.20/32", "10.86.0.42/32", "10.86.0.43/32"],
    ]);
    assert.equal(decideOn(host, after).kind, "nothing");
    assert.ok(peerOf(host, 0).allowedIps.delete("10.86.0.42/32"));
    assert.equal(decideOn(host, after).kind, "nothing");
    // The first up was killed before the host moved, and the next moves it elsewhere.
    push(host, at(", 10.86.0.44/32", "", "10.86.0.44"));
    const next = `former ${IFACE} 10.86.0.44/32 10.86.0.43/32,10.86.0.42/32 ${currentKey(0)}`;
    assert.equal(host.files.get(ROTATION), `${next}\n`);
  });

  it("routes its address to its former home until it answers through the new one", () => {
    const host = pushedWith(before);
    const after = at("", ", 10.86.0.42/32", "10.86.0.42");
    push(host, after);
    const line = `home ${IFACE} 10.86.0.42/32 ${currentKey(0)} ${currentKey(1)}`;
    assert.equal(host.files.get(ROTATION), `${line}\n`);
    assert.ok(peerOf(host, 0).allowedIps.has("10.86.0.42/32"));
    assert.equal(decideOn(host, after).kind, "nothing");
  });

  it("does so while it still has the peer from before, which it does not need any more", () => {
    const host = pushed();
    const moves = (more: string, address: string) =>
      wantedWith(
        { ...RELAY, neighbours: [FIRST] },
        (text) => text.replace("10.86.0.20/32", `10.86.0.20/32, ${more}/32`),
        address,
      );
    push(host, moves("10.86.0.99", "10.86.0.99"));
    takeAway(host);
    host.files.set(SETTLED, `${LEFT_LINE}\n`);
    push(host, moves("10.86.0.98", "10.86.0.98"));
    const line = `former ${IFACE} 10.86.0.98/32 10.86.0.99/32 ${currentKey(0)}`;
    assert.equal(host.files.get(ROTATION), `${line}\n`);
  });

  it("does so where it becomes its home with another address", () => {
    const host = pushed();
    push(host, left());
    takeAway(host);
    host.files.set(SETTLED, `${LEFT_LINE}\n`);
    push(host, moved("10.86.0.98"));
    const line = `former ${IFACE} 10.86.0.98/32 10.86.0.99/32 ${currentKey(0)}`;
    assert.equal(host.files.get(ROTATION), `${line}\n`);
    assert.deepEqual([...peerOf(host, 0).allowedIps].sort(), ["10.86.0.20/32", "10.86.0.99/32"]);
    assert.equal(decideOn(host, moved("10.86.0.98")).kind, "nothing");
  });

  it("routes both addresses, each to its home, where both change", () => {
    const host = pushedWith(before);
    const after = at("", ", 10.86.0.43/32", "10.86.0.43");
    push(host, after);
    assert.ok(peerOf(host, 0).allowedIps.has("10.86.0.42/32"));
    assert.ok(peerOf(host, 1).allowedIps.has("10.86.0.43/32"));
    assert.equal(decideOn(host, after).kind, "nothing");
  });
});

/** The relay's request once peer0, another relay, is the home of peer1 at another address. */
function left(more: Partial<RequestDraw> = {}, address = "10.86.0.99"): Wanted {
  const draw = { ...RELAY, neighbours: RELAY.neighbours.slice(0, 1), ...more };
  const edit = (text: string) => text.replace("10.86.0.20/32", `10.86.0.20/32, ${address}/32`);
  return wantedWith(draw, edit, address);
}

/** The relay's request with another address of peer1. */
function moved(address = "10.86.0.99"): Wanted {
  return wantedWith(RELAY, (text) => text.replaceAll("10.86.0.21", address), address);
}
