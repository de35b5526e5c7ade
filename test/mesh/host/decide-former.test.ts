/** A relay keeps the former address of a peer that is reached only through the tunnel. */
import assert from "node:assert/strict";
import { unapplied } from "../../../mesh/host/decide";
import { differences } from "../../../mesh/host/differences";
import type { Wanted } from "../../../mesh/host/wanted";
import { neighbour, peerOf, pushed, RELAY, stepsText } from "./support/examples";
import { deviceOf, giveAllowedIps } from "./support/host";
import { IFACE } from "./support/observe";
import { changeOf, decideOn, push } from "./support/pushes";
import { nextKey, type RequestDraw } from "./support/requests";
import { look } from "./support/situations";
import { CONF, ROTATION, SETTLED, takeAway, wantedWith } from "./support/moving-peer";

const FORMER_LINE = `former ${IFACE} 10.86.0.99/32 10.86.0.21/32`;

describe("a relay, when a peer moves that is reached only through the tunnel,", () => {
  it("keeps the former address beside the new one, live and at the next boot", () => {
    const host = pushed();
    const { change, notes } = changeOf(host, moved());
    assert.deepEqual(stepsText(change, "apply"), [
      ...["wg wg0", "  [Peer]", "  PublicKey = <peer1>"],
      "  AllowedIPs = 10.86.0.99/32, 192.168.10.0/24, 10.86.0.21/32",
      "  PersistentKeepalive = 0",
      ...["watch", `  ${FORMER_LINE}`],
      "ping 10.86.0.20",
    ]);
    assert.ok(notes.includes("peer1 keeps 10.86.0.21 until it answers at 10.86.0.99"));
    push(host, moved());
    const file = host.files.get(CONF) ?? "";
    assert.match(file, /^AllowedIPs = 10\.86\.0\.99\/32, 192\.168\.10\.0\/24, 10\.86\.0\.21\/32$/m);
    assert.equal(host.files.get(ROTATION), `${FORMER_LINE}\n`);
    assert.equal(decideOn(host, moved()).kind, "nothing");
  });

  it("does not keep it for a peer with another way in", () => {
    const { change } = changeOf(pushed(), { ...moved(), tunnelOnly: [] });
    const apply = stepsText(change, "apply");
    assert.ok(apply.includes("  AllowedIPs = 10.86.0.99/32, 192.168.10.0/24"), apply.join("\n"));
  });

  it("is as wanted after the watcher has removed it, and stays so", () => {
    const host = pushed();
    push(host, moved());
    takeAway(host);
    assert.deepEqual(differences(look(host, moved()), moved()), { live: [], boot: [] });
    assert.equal(decideOn(host, moved()).kind, "nothing");
    // A repair of something else is no new config either.
    peerOf(host, 0).keepalive = 7;
    push(host, moved());
    assert.equal(host.files.get(ROTATION), `${FORMER_LINE}\n`);
    assert.equal(decideOn(host, moved()).kind, "nothing");
  });

  it("confirms its push though the watcher has already removed it", () => {
    const host = pushed();
    const before = look(host, moved());
    push(host, moved());
    takeAway(host);
    assert.deepEqual(unapplied(before, look(host, moved()), moved()), []);
  });

  it("removes it with the next config once the peer cannot go back, and keeps it until then", () => {
    const next = moved({ mtu: 1380 });
    for (const isGone of [true, false]) {
      const host = pushed();
      push(host, moved());
      takeAway(host);
      if (isGone) host.files.set(SETTLED, `${FORMER_LINE}\n`);
      push(host, next);
      assert.equal(/10\.86\.0\.21/.test(host.files.get(CONF) ?? ""), !isGone);
      assert.equal(host.files.get(ROTATION), isGone ? undefined : `${FORMER_LINE}\n`);
      assert.equal(decideOn(host, next).kind, "nothing");
    }
  });

  it("keeps all addresses that the peer may not have left, also back to the first one", () => {
    const host = pushed();
    push(host, moved());
    push(host, moved({}, "10.86.0.98"));
    assert.equal(
      host.files.get(ROTATION),
      `former ${IFACE} 10.86.0.98/32 10.86.0.99/32,10.86.0.21/32\n`,
    );
    const back = moved({}, "10.86.0.21");
    push(host, back);
    const [kept = ""] = (host.files.get(ROTATION) ?? "").split("\n");
    assert.match(kept, /^former wg0 10\.86\.0\.21\/32 /);
    assert.equal(decideOn(host, back).kind, "nothing");
  });

  it("gives it to another peer that has it in the config", () => {
    const host = pushed();
    const wanted = wantedWith(RELAY, (text) =>
      text.replace("10.86.0.21", "10.86.0.99").replace("10.86.0.20", "10.86.0.21"),
    );
    push(host, wanted);
    assert.deepEqual([...peerOf(host, 1).allowedIps].sort(), ["10.86.0.99/32", "192.168.10.0/24"]);
    assert.deepEqual([...peerOf(host, 0).allowedIps], ["10.86.0.21/32"]);
  });

  it("keeps it for either key of a peer whose key changes too", () => {
    const both: RequestDraw = {
      ...RELAY,
      neighbours: [neighbour(0), neighbour(1, { keys: "both" })],
    };
    const host = pushed(both);
    const all = [...peerOf(host, 1).allowedIps];
    giveAllowedIps(deviceOf(host, IFACE), nextKey(1), all);
    const wanted = wantedWith(both, (text) => text.replaceAll("10.86.0.21", "10.86.0.99"));
    push(host, wanted);
    const next = deviceOf(host, IFACE).peers.get(nextKey(1));
    assert.deepEqual([...(next?.allowedIps ?? [])].sort(), ["10.86.0.21/32", "10.86.0.99/32"]);
    assert.equal(decideOn(host, wanted).kind, "nothing");
  });
});

describe("a relay of a network that is renumbered", () => {
  const OWN_LINE = `own ${IFACE} 10.86.0.1/24`;

  it("keeps its own former address, live and at the next boot, until its peers have followed", () => {
    const host = pushed();
    const { change, notes } = changeOf(host, renumbered());
    const apply = stepsText(change, "apply");
    assert.ok(apply.includes("  address replace 10.99.0.1/24 dev wg0"), apply.join("\n"));
    assert.ok(!apply.some((line) => line.includes("address del")), apply.join("\n"));
    assert.ok(
      notes.includes(
        "this host keeps its former address 10.86.0.1/24 until all hosts have moved to the new network",
      ),
    );
    push(host, renumbered());
    assert.match(host.files.get(CONF) ?? "", /^Address = 10\.99\.0\.1\/24, 10\.86\.0\.1\/24$/m);
    const lines = [`former ${IFACE} 10.99.0.21/32 10.86.0.21/32`, OWN_LINE];
    assert.equal(host.files.get(ROTATION), lines.map((line) => `${line}\n`).join(""));
    assert.equal(decideOn(host, renumbered()).kind, "nothing");
    // Its watcher removes both.
    host.links.get(IFACE)?.addresses.splice(0, 1);
    takeAway(host);
    assert.equal(decideOn(host, renumbered()).kind, "nothing");
    host.files.set(SETTLED, `${lines[0] ?? ""}\n`);
    push(host, renumbered({ mtu: 1380 }));
    assert.match(host.files.get(CONF) ?? "", /^Address = 10\.99\.0\.1\/24$/m);
    assert.equal(host.files.get(ROTATION), undefined);
  });

  it("keeps both former ones where a second renumbering comes before they have followed", () => {
    const host = pushed();
    push(host, renumbered());
    push(host, renumbered({}, "10.77.0."));
    const lines = (host.files.get(ROTATION) ?? "").split("\n");
    assert.deepEqual(lines.slice(1, 3), [OWN_LINE, `own ${IFACE} 10.99.0.1/24`]);
    assert.equal(decideOn(host, renumbered({}, "10.77.0.")).kind, "nothing");
  });

  it("keeps none where its new prefix has the former addresses too", () => {
    const host = pushed();
    push(
      host,
      wantedWith(RELAY, (text) =>
        text.replaceAll("10.86.0.21", "10.86.1.21").replace("10.86.0.1/24", "10.86.0.1/16"),
      ),
    );
    assert.match(host.files.get(CONF) ?? "", /^Address = 10\.86\.0\.1\/16$/m);
  });
});

/** The relay's request with another address of peer1. */
function moved(more: Partial<RequestDraw> = {}, address = "10.86.0.99"): Wanted {
  return wantedWith({ ...RELAY, ...more }, (text) => text.replaceAll("10.86.0.21", address));
}

function renumbered(more: Partial<RequestDraw> = {}, prefix = "10.99.0."): Wanted {
  return wantedWith({ ...RELAY, ...more }, (text) => text.replaceAll("10.86.0.", prefix));
}
