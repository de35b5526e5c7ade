/** Interfaces that another program made, with the node's own key: they are taken over as they run. */
import assert from "node:assert/strict";
import { decide } from "../../../mesh/host/decide";
import { differences } from "../../../mesh/host/differences";
import { decideOn, pushed, refusalOn, RELAY, wantedBy } from "./support/examples";
import { configurationOf, look, OPTIONS, situationOf } from "./support/situations";
import type { Host } from "./support/host";
import type { RequestDraw } from "./support/requests";

const FILE = "/etc/wireguard/wg0.conf";

/** A host as wg-quick left it: the interface runs, and wireguard-mesh has left nothing there. `lines`: more of its file. */
function byHand(...lines: string[]): Host {
  const host = pushed();
  const text = host.files.get(FILE) ?? "";
  for (const path of [...host.files.keys()])
    if (path.includes("wireguard-mesh")) host.files.delete(path);
  host.files.set(FILE, text.replace("[Interface]\n", ["[Interface]", ...lines, ""].join("\n")));
  return host;
}

describe("an interface of another program with the node's key", () => {
  it("that runs as wanted is unchanged: only files are written, and then nothing is left to do", () => {
    const host = byHand();
    const before = configurationOf(host).live;
    const decision = decideOn(host);
    assert.equal(decision.kind, "change");
    assert.equal(decision.outcome, "unchanged");
    assert.deepEqual([decision.change.apply, decision.change.undo], [[], []]);
    assert.ok(
      decision.notes.includes(
        "unchanged: wg0 runs as planned already, so only its files were written",
      ),
    );
    const situation = situationOf(host, RELAY);
    for (const name of ["now", "commit"] as const) situation?.run(name);
    assert.deepEqual(configurationOf(host).live, before);
    const wanted = wantedBy(RELAY);
    assert.equal(decide(look(host, wanted), wanted, OPTIONS).kind, "nothing");
  });

  it("that differs is changed only there", () => {
    const draw: RequestDraw = { ...RELAY, mtu: 1380 };
    const wanted = wantedBy(draw);
    const host = byHand();
    assert.deepEqual(
      differences(look(host, wanted), wanted).live.map(({ kind }) => kind),
      ["mtu"],
    );
    const decision = decideOn(host, draw);
    assert.equal(decision.kind, "change");
    assert.equal(decision.outcome, "applied");
  });

  it("is left alone when it has another key", () => {
    assert.match(
      refusalOn(byHand(), { ...RELAY, ownKey: 19 }, () => ({})),
      /^there already is a wg0 that wireguard-mesh did not make; it was not touched/,
    );
  });

  it("is left alone when something else than wg-quick makes it, and would at the next boot", () => {
    const message =
      /^wg0 here has the key of host, but wg-quick did not create it from \/etc\/wireguard\/wg0\.conf: .*; it was not touched\n.*`wg showconf wg0` prints, with Address = 10\.86\.0\.1\/24 below/;
    const without = byHand();
    without.files.delete(FILE);
    assert.match(
      refusalOn(without, RELAY, () => ({})),
      message,
    );
    // As ifupdown gives it to wg(8).
    const bare = byHand();
    bare.files.set(FILE, (bare.files.get(FILE) ?? "").replace(/^Address = .*\n/m, ""));
    assert.match(
      refusalOn(bare, RELAY, () => ({})),
      message,
    );
  });

  it("is left alone when its file has what a push would drop, by name", () => {
    const lines = ["PostUp = /usr/local/bin/notify up", "SaveConfig = true", "Table = off # mine"];
    assert.match(
      refusalOn(byHand(...lines), RELAY, () => ({})),
      /^wg0 here has the key of host, but a push would drop PostUp, SaveConfig, Table from its file; it was not touched\nsee docs\/import\.md for what replaces them; take them out of \/etc\/wireguard\/wg0\.conf there, then run up again$/,
    );
  });

  it("is taken over where its hooks only do what a push does, and its settings are wg-quick's own", () => {
    const host = byHand(
      "PreUp = ",
      "PostUp = iptables -A FORWARD -i %i -j ACCEPT; iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE",
      "SaveConfig = false",
      "Table = auto",
    );
    assert.equal(decideOn(host).kind, "change");
  });
});
