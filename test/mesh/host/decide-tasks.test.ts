/** The tasks of a host between pushes: peers that expire, and names that it follows. */
import assert from "node:assert/strict";
import { unapplied } from "../../../mesh/host/decide";
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
  wantedBy,
} from "./support/examples";
import { deviceOf, type Host } from "./support/host";
import { boot, freshHost } from "./support/hosts";
import { IFACE } from "./support/observe";
import { currentKey, type RequestDraw } from "./support/requests";
import { assertReached } from "./support/reached";
import { round } from "./support/rounds";
import { look, situationOf } from "./support/situations";

const FILE = "/var/lib/wireguard-mesh/wg0/tasks";
const LIVE = "/etc/wireguard/wg0.conf";
const HOOK = "PostUp = sh /var/lib/wireguard-mesh/wg0/host.sh tasks wg0 || true";
/** A peer with a LAN that expires 100 s after NOW. */
const GUEST = relayWith(neighbour(2, { lans: [1], expires: 100 }));
const NAMED: RequestDraw = {
  ...relayWith(neighbour(2, { endpoint: "far.example.org:51820" })),
  followNames: true,
};

function relayWith(...more: RequestDraw["neighbours"]): RequestDraw {
  return { ...RELAY, neighbours: [...RELAY.neighbours, ...more] };
}

function pass(host: Host, seconds: number): void {
  host.now += seconds;
  round(host);
}

const keysOf = (host: Host) => [...deviceOf(host, IFACE).peers.keys()];

describe("a peer that expires", () => {
  it("is a line in the host's tasks, which wg-quick starts", () => {
    const host = pushed(GUEST);
    assert.equal(host.files.get(FILE), `every 30\nexpire ${currentKey(2)} 1700000100\n`);
    assert.ok(host.files.get(LIVE)?.includes(`[Interface]\n${HOOK}\n`));
    assert.ok(host.tickerRuns);
  });

  it("is no step on the running system", () => {
    const before = pushed(relayWith(neighbour(2, { lans: [1] })));
    const change = changeOn(before, GUEST);
    assert.deepEqual([change.apply, change.undo], [[], []]);
    assert.ok(stepsText(change, "commit").includes("tasks"));
  });

  it("and has two keys may keep both for a minute, on a host that did not have the date", () => {
    const draw = relayWith(neighbour(2, { keys: "both", expires: 20 }));
    const host = pushedByOlder(draw);
    host.now += 40;
    const situation = situationOf(host, draw);
    assert.ok(situation !== null);
    situation.run("apply");
    assertReached(situation.before, host, situation.request);
    assert.deepEqual(keysOf(host), keysOf(situation.before));
  });

  it("is removed at its date without a push, and then neither missing nor added again", () => {
    const host = pushed(GUEST);
    pass(host, 99);
    assert.ok(keysOf(host).includes(currentKey(2)));
    pass(host, 1);
    assert.ok(!keysOf(host).includes(currentKey(2)));
    assert.equal(decideOn(host, GUEST).kind, "nothing");
    const change = changeOn(host, { ...GUEST, mtu: 1380 });
    for (const part of ["apply", "undo"] as const) {
      assert.ok(!stepsText(change, part).join("\n").includes("<peer2>"), part);
    }
  });

  it("does not come back with a boot, with a new interface or with another key", () => {
    for (const [what, draw] of Object.entries({
      boot: GUEST,
      interface: GUEST,
      key: { ...GUEST, ownKey: 21 },
    })) {
      const host = pushed(GUEST);
      pass(host, 100);
      if (what === "boot") boot(host);
      if (what === "interface") host.links.delete(IFACE);
      for (const part of ["now", "apply", "commit"] as const) situationOf(host, draw)?.run(part);
      assert.equal(decideOn(host, draw).kind, "nothing", what);
      assert.deepEqual(keysOf(host).sort(), [currentKey(0), currentKey(1)].sort(), what);
    }
  });

  it("is removed by a push a minute after its date, if the host has not done it", () => {
    const host = pushed(GUEST);
    host.now += 159;
    assert.equal(decideOn(host, GUEST).kind, "nothing");
    host.now += 1;
    const change = changeOn(host, GUEST);
    assert.deepEqual(stepsText(change, "apply"), [
      "set wg0 peer <peer2> remove",
      "ping 10.86.0.20",
    ]);
  });

  it("may be removed while a change waits for its confirmation", () => {
    const host = pushed(GUEST);
    const next = { ...GUEST, mtu: 1380 };
    const situation = situationOf(host, next);
    situation?.run("apply");
    pass(host, 100);
    const wanted = wantedBy(next);
    assert.ok(situation !== null);
    assert.deepEqual(unapplied(situation.observed, look(host, wanted), wanted), []);
  });

  it("is removed from the files by the push that leaves it out", () => {
    const host = pushed(GUEST);
    pass(host, 200);
    pushed(RELAY, host);
    assert.equal(host.files.has(FILE), false);
    assert.ok(!host.tickerRuns);
    assert.equal(host.files.get(LIVE), pushed(RELAY, freshHost()).files.get(LIVE));
  });

  it("stays longer once its date is moved", () => {
    const host = pushed(GUEST);
    pushed(relayWith(neighbour(2, { lans: [1], expires: 500 })), host);
    pass(host, 499);
    assert.ok(keysOf(host).includes(currentKey(2)));
    pass(host, 1);
    assert.ok(!keysOf(host).includes(currentKey(2)));
  });

  it("needs a timer or loop that runs: without one the host differs", () => {
    const host = pushed(GUEST);
    host.tickerRuns = false;
    const change = changeOn(host, GUEST);
    assert.deepEqual(stepsText(change, "apply"), []);
    assert.deepEqual(stepsText(change, "commit").filter((step) => step === "tasks").length, 1);
    pushed(GUEST, host);
    assert.ok(host.tickerRuns);
  });
});

describe("a name in an endpoint that the host follows", () => {
  it("is a line in the host's tasks, with the time after which a peer counts as silent", () => {
    const host = pushed(NAMED);
    assert.equal(
      host.files.get(FILE),
      `every 30\nsilence 135\nresolve ${currentKey(2)} far.example.org 51820\n`,
    );
  });

  it("is followed from the next push on where a host dials it already, without a step on the running system", () => {
    const host = pushed({ ...NAMED, followNames: false });
    const change = changeOn(host, NAMED);
    assert.deepEqual([change.apply, change.undo], [[], []]);
    pushed(NAMED, host);
    assert.ok(host.tickerRuns && host.files.has(FILE));
    assert.equal(decideOn(host, NAMED).kind, "nothing");
  });

  it("is followed once the peer is silent, which is no difference then", () => {
    const host = pushed(NAMED);
    const peer = peerOf(host, 2);
    peer.handshake = host.now;
    host.resolver.set("far.example.org", ["203.0.113.99", "203.0.113.98"]);
    pass(host, 135);
    assert.equal(peer.endpoint, "203.0.113.5:51820");
    pass(host, 1);
    assert.equal(peer.endpoint, "203.0.113.99:51820");
    assert.equal(decideOn(host, NAMED).kind, "nothing");
  });

  it("is dialled at its newest address after a boot, whatever the file says", () => {
    const host = pushed(NAMED);
    host.resolver.set("far.example.org", ["203.0.113.99"]);
    boot(host);
    assert.equal(peerOf(host, 2).endpoint, "203.0.113.99:51820");
    assert.equal(decideOn(host, NAMED).kind, "nothing");
    pushed({ ...NAMED, mtu: 1380 }, host);
    assert.ok(host.files.get(LIVE)?.includes("51820\nEndpoint = 203.0.113.99:51820\n"));
  });

  it("that does not resolve is tried again without a push", () => {
    const host = freshHost();
    host.resolver.clear();
    assert.deepEqual(notesOn(host, NAMED).slice(-1), [
      "far.example.org, the endpoint of peer2, does not resolve on this host; it has no endpoint until the name resolves, which is tried every 30 s",
    ]);
    pushed(NAMED, host);
    host.resolver.set("far.example.org", ["203.0.113.99"]);
    pass(host, 30);
    assert.equal(peerOf(host, 2).endpoint, "203.0.113.99:51820");
    assert.equal(decideOn(host, NAMED).kind, "nothing");
  });

  it("is not followed for requests of older versions", () => {
    const host = pushed({ ...NAMED, followNames: false });
    assert.equal(host.files.has(FILE), false);
    assert.ok(!host.files.get(LIVE)?.includes("PostUp"));
  });
});

describe("a network without dates and names", () => {
  it("gives a host no tasks", () => {
    const host = pushed({ ...RELAY, followNames: true });
    assert.equal(host.files.has(FILE), false);
    assert.ok(!host.files.get(LIVE)?.includes("PostUp"));
    assert.ok(!host.tickerRuns);
  });
});
