/** A peer that is reached only through the tunnel changes its home relay: what its former and its new relay keep. */
import assert from "node:assert/strict";
import { differences } from "../../../mesh/host/differences";
import { wantedOf, type Wanted } from "../../../mesh/host/wanted";
import { publicKeyOf } from "../../../mesh/keys";
import { neighbour, peerOf, RELAY, stepsText } from "./support/examples";
import { deviceOf, NOW, sha256, type Host } from "./support/host";
import { IFACE } from "./support/observe";
import { changeOf, decideOn, push, pushed } from "./support/pushes";
import { currentKey, presharedKeyAt, requestOf, type RequestDraw } from "./support/requests";
import { round } from "./support/rounds";
import { look } from "./support/situations";

const CONF = `/etc/wireguard/${IFACE}.conf`;
const ROTATION = `/var/lib/wireguard-mesh/${IFACE}/rotation`;
const SETTLED = `/run/wireguard-mesh/${IFACE}/settled`;
const TASKS = `/var/lib/wireguard-mesh/${IFACE}/tasks`;
const ADDRESS = "10.86.0.21/32";
const [OTHER_RELAY, PEER] = [neighbour(0), neighbour(1, { presharedKey: 0 })];

/** The relay as the peer's home, and while the other relay is its home. */
const isHome = (mtu: number | null = null): Wanted =>
  wantedWith({ ...RELAY, mtu, neighbours: [OTHER_RELAY, PEER] });
const isAway = (mtu: number | null = null): Wanted =>
  wantedWith({ ...RELAY, mtu, neighbours: [OTHER_RELAY] }, (text) =>
    text.replace("AllowedIPs = 10.86.0.20/32", `AllowedIPs = 10.86.0.20/32, ${ADDRESS}`),
  );

const ARRIVES = `home ${IFACE} ${ADDRESS} ${currentKey(0)} ${currentKey(1)}`;
const LEAVES = `home ${IFACE} ${ADDRESS} ${currentKey(1)} ${currentKey(0)}`;

describe("the new home relay of a peer that is reached only through the tunnel", () => {
  it("has the peer, and leaves its address with the former relay until it answers here", () => {
    const host = pushed(isAway());
    const { change, notes } = changeOf(host, isHome());
    assert.deepEqual(stepsText(change, "apply"), [
      ...["wg wg0", "  [Peer]", "  PublicKey = <peer1>", "  PresharedKey = <preshared 0>"],
      "  PersistentKeepalive = 0",
      ...["watch", `  home ${IFACE} ${ADDRESS} <peer0> <peer1>`],
    ]);
    assert.ok(notes.includes(`${ADDRESS} stays routed to peer0 until it answers through peer1`));
    push(host, isHome());
    assert.deepEqual([...peerOf(host, 0).allowedIps].sort(), ["10.86.0.20/32", ADDRESS]);
    assert.match(host.files.get(CONF) ?? "", /^AllowedIPs = 10\.86\.0\.21\/32$/m);
    assert.equal(decideOn(host, isHome()).kind, "nothing");
  });

  it("is as wanted wherever the watcher routes the address", () => {
    const host = pushed(isAway());
    push(host, isHome());
    for (const holder of [1, 0, 1]) {
      route(host, holder);
      assert.deepEqual(differences(look(host, isHome()), isHome()), { live: [], boot: [] });
    }
  });

  it("removes the former route with the next config once the peer cannot go back", () => {
    for (const isSettled of [true, false]) {
      const host = pushed(isAway());
      push(host, isHome());
      route(host, 1);
      if (isSettled) host.files.set(SETTLED, `${ARRIVES}\n`);
      push(host, isHome(1380));
      assert.equal(host.files.get(ROTATION), isSettled ? undefined : `${ARRIVES}\n`);
      assert.deepEqual([...peerOf(host, 1).allowedIps], [ADDRESS]);
      assert.equal(decideOn(host, isHome(1380)).kind, "nothing");
    }
  });
});

describe("the former home relay of a peer that is reached only through the tunnel", () => {
  it("keeps the peer, its preshared key and its address until it answers through the new one", () => {
    const host = pushed(isHome());
    const { change } = changeOf(host, isAway());
    assert.deepEqual(stepsText(change, "apply"), [
      ...["watch", `  home ${IFACE} ${ADDRESS} <peer1> <peer0>`],
    ]);
    push(host, isAway());
    assert.deepEqual([...peerOf(host, 1).allowedIps], [ADDRESS]);
    const file = host.files.get(CONF) ?? "";
    assert.ok(file.includes(`AllowedIPs = 10.86.0.20/32, ${ADDRESS}\n`), file);
    const section = `\n[Peer]\nPublicKey = ${currentKey(1)}\nPresharedKey = ${presharedKeyAt(0)}\n`;
    assert.ok(file.endsWith(section), file);
    for (const holder of [1, 0, 1]) {
      route(host, holder);
      assert.deepEqual(differences(look(host, isAway()), isAway()), { live: [], boot: [] });
    }
  });

  it("removes the peer with the next config once it cannot go back", () => {
    for (const isSettled of [true, false]) {
      const host = pushed(isHome());
      push(host, isAway());
      route(host, 0);
      if (isSettled) host.files.set(SETTLED, `${LEAVES}\n`);
      push(host, isAway(1380));
      assert.equal(host.files.get(ROTATION), isSettled ? undefined : `${LEAVES}\n`);
      assert.deepEqual([...peerOf(host, 0).allowedIps].sort(), ["10.86.0.20/32", ADDRESS]);
      assert.equal(decideOn(host, isAway(1380)).kind, "nothing");
    }
  });

  it("removes it when it expires", () => {
    const expiring = { ...PEER, expires: 600 };
    const host = pushed(wantedWith({ ...RELAY, neighbours: [OTHER_RELAY, expiring] }));
    for (const mtu of [null, 1380]) {
      push(host, isAway(mtu));
      assert.ok(host.files.get(TASKS)?.includes(`expire ${currentKey(1)} ${NOW + 600}\n`));
      assert.equal(decideOn(host, isAway(mtu)).kind, "nothing");
    }
    route(host, 0);
    host.now = NOW + 601;
    round(host);
    assert.ok(!deviceOf(host, IFACE).peers.has(currentKey(1)));
    assert.deepEqual(
      differences(look(host, isAway(1380)), isAway(1380)).live.map(({ kind }) => kind),
      ["watcher"],
      "nothing but the end of its move",
    );
  });

  it("is its home again if the config says so", () => {
    const host = pushed(isHome());
    push(host, isAway());
    route(host, 0);
    push(host, isHome());
    assert.equal(host.files.get(ROTATION), `${ARRIVES}\n`);
    assert.equal(decideOn(host, isHome()).kind, "nothing");
  });

  it("removes an address at once that another node has now", () => {
    const host = pushed(isHome());
    push(host, isAway());
    route(host, 0);
    const taken = wantedWith({ ...RELAY, neighbours: [OTHER_RELAY, neighbour(2)] }, (text) =>
      text
        .replace("AllowedIPs = 10.86.0.20/32", "AllowedIPs = 10.86.0.20/32, 10.86.0.99/32")
        .replace("AllowedIPs = 10.86.0.22/32", `AllowedIPs = ${ADDRESS}`),
    );
    push(host, taken);
    assert.equal(host.files.get(ROTATION), undefined);
    assert.deepEqual([...peerOf(host, 2).allowedIps], [ADDRESS]);
    assert.equal(decideOn(host, taken).kind, "nothing");
  });

  it("removes a peer that has another way in, or is gone from the config", () => {
    const host = pushed(isHome());
    const { change } = changeOf(host, { ...isAway(), tunnelOnly: [] });
    assert.ok(stepsText(change, "apply").includes("set wg0 peer <peer1> remove"));
  });
});

/** Moves the address, as the watcher does. */
function route(host: Host, holder: number): void {
  for (const at of [0, 1]) peerOf(host, at).allowedIps.delete(ADDRESS);
  peerOf(host, holder).allowedIps.add(ADDRESS);
}

function wantedWith(draw: RequestDraw, edit = (text: string) => text): Wanted {
  const request = requestOf(draw);
  const config = edit(request.config);
  const tunnelOnly = [currentKey(1)];
  return wantedOf({ ...request, config, tunnelOnly }, sha256(config), publicKeyOf);
}
