/** Decisions about owners, formats, records, and the next boot. */
import assert from "node:assert/strict";
import { decide, unapplied } from "../../../mesh/host/decide";
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
  withFile,
} from "./support/examples";
import { linkOf, type Host } from "./support/host";
import { freshHost } from "./support/hosts";
import { DROP_IN, IFACE } from "./support/observe";
import { look, OPTIONS, situationOf } from "./support/situations";
import type { RequestDraw } from "./support/requests";

const STATE = "/var/lib/wireguard-mesh/wg0";
const TWO: RequestDraw = { ...RELAY, second: { key: 21, port: 51821 } };

describe("the owner mark", () => {
  const owned = (mark: string) => withFile(`${STATE}/owner`, mark, pushed());

  it("is written for a renamed node on the same machine before the change, with a note", () => {
    const host = owned("wireguard-mesh/test\nformer\nmachine\n");
    const change = changeOn(host);
    assert.deepEqual(stepsText(change, "now"), [
      `place 600 ${STATE}/owner`,
      "  wireguard-mesh/test",
      "  host",
      "  machine",
    ]);
    assert.deepEqual(change.apply, []);
    assert.deepEqual(notesOn(host), ["this host was former; it is host from now on"]);
  });

  it("is written even if the change is refused, because the former name is removed next", () => {
    const host = owned("wireguard-mesh/test\nformer\nmachine\n");
    const decision = decideOn(host, TWO, () => ({
      mountPoints: new Set(["/etc/wireguard/wg0.conf"]),
    }));
    assert.ok(decision.kind === "refuse" && decision.change !== null);
    assert.deepEqual(stepsText(decision.change, "now")[0], `place 600 ${STATE}/owner`);
    assert.deepEqual(stepsText(decision.change, "commit"), []);
    const foreign = decideOn(owned("other/dev\nhost\nmachine\n"));
    assert.ok(foreign.kind === "refuse" && foreign.change === null);
  });

  it("of another node in the config, for the same machine, is respected", () => {
    const host = owned("wireguard-mesh/test\ntwin\nmachine\n");
    const wanted = { ...wantedBy(RELAY), rivals: ["twin"] };
    const decision = decide(look(host, wanted), wanted, OPTIONS);
    assert.ok(decision.kind === "refuse");
    assert.match(decision.cause, /^wg0 here belongs to twin of stack wireguard-mesh\/test;/);
  });

  it("is taken over once it is released, and kept on a machine with other host keys", () => {
    assert.deepEqual(changeOn(owned("any\n")).apply, []);
    assert.deepEqual(changeOn(owned("wireguard-mesh/test\nhost\nother keys\n")).apply, []);
  });
});

describe("a host that an older version pushed to", () => {
  it("gets the new records without a step on the running system, and older versions then leave it alone", () => {
    const change = changeOn(pushedByOlder(TWO), TWO);
    assert.deepEqual([change.apply, change.undo], [[], []]);
    const commit = stepsText(change, "commit");
    assert.equal(commit[0], "place 600 /etc/wireguard/wg0.conf");
    assert.equal(commit[commit.indexOf(`place 600 ${STATE}/format`) + 1], "  3");
    assert.ok(commit.includes(`delete ${STATE}/digest`));
    assert.ok(commit.includes("  rp-filter 1"));
  });

  it("keeps its watcher, and the record of its relaxed reverse path filters, until the rotation ends", () => {
    const host = pushed(TWO, pushedByOlder(TWO));
    assert.equal(decideOn(host, TWO).kind, "nothing");
    const apply = stepsText(changeOn(host, { ...RELAY, neighbours: RELAY.neighbours }), "apply");
    assert.equal(apply[0], "watch -");
    assert.ok(apply.includes("sysctl net/ipv4/conf/wg0/rp_filter 1"));
  });
});

describe("the record of the confirmed state", () => {
  const serialOf = (host: Host, draw: RequestDraw, known: number) => {
    const wanted = wantedBy(draw);
    const decision = decide(look(host, wanted), wanted, { ...OPTIONS, serial: known });
    assert.ok(decision.kind === "change");
    return stepsText(decision.change, "commit").find((line) => line.startsWith("  serial "));
  };

  it("counts pushes", () => {
    assert.equal(serialOf(freshHost(), RELAY, 0), "  serial 1");
    assert.equal(serialOf(pushed(), TWO, 1), "  serial 2");
  });

  it("of a host that was set back to a snapshot is older than the stack's, and a push repairs it", () => {
    const host = pushed();
    const snapshot = structuredClone(host);
    pushed(TWO, host);
    assert.equal(look(host, wantedBy(TWO)).records.confirmed?.serial, 2);
    assert.equal(look(snapshot, wantedBy(TWO)).records.confirmed?.serial, 1);
    assert.equal(serialOf(snapshot, TWO, 2), "  serial 3");
  });

  it("is needed even if nothing else differs", () => {
    const host = pushed();
    host.files.delete(`${STATE}/confirmed`);
    assert.deepEqual(changeOn(host).apply, []);
    assert.equal(decideOn(pushed(RELAY, host)).kind, "nothing");
  });
});

describe("the start at boot", () => {
  it("is enabled with systemd, and by a script of its own with OpenRC", () => {
    const systemd = stepsText(changeOn(freshHost()), "commit");
    assert.ok(systemd.includes("enable wg-quick@wg0.service"));
    const openrc = stepsText(changeOn({ ...freshHost(), init: "openrc" }), "commit");
    assert.ok(openrc.includes("place 755 /etc/init.d/wireguard-mesh.wg0"));
    assert.ok(openrc.includes("openrc add wireguard-mesh.wg0"));
  });

  it("is left to the administrator on a host with neither", () => {
    const host = { ...freshHost(), init: "none" as const };
    assert.match(notesOn(host)[0] ?? "", /^this host has neither systemd nor OpenRC: wg0 will not/);
    assert.equal(decideOn(pushed(RELAY, host)).kind, "nothing");
  });

  it("is repaired by a commit without a step on the running system", () => {
    const edits: [(host: Host) => void, string][] = [
      [
        (host) => {
          host.bootLinks.clear();
        },
        "enable wg-quick@wg0.service",
      ],
      [(host) => host.files.delete("/etc/wireguard/wg0.conf"), "place 600 /etc/wireguard/wg0.conf"],
      [(host) => host.files.set(DROP_IN, "net.ipv4.ip_forward = 1\n"), `delete ${DROP_IN}`],
    ];
    for (const [edit, step] of edits) {
      const host = pushed();
      edit(host);
      const change = changeOn(host);
      assert.deepEqual(change.apply, []);
      assert.ok(stepsText(change, "commit").includes(step), step);
    }
  });

  it("includes the watcher while keys rotate, and not longer", () => {
    const unit = "wireguard-mesh-keys-wg0.service";
    assert.ok(stepsText(changeOn(pushed(), TWO), "commit").includes(`enable ${unit}`));
    const end = stepsText(changeOn(pushed(TWO)), "commit");
    assert.ok(end.indexOf(`disable ${unit}`) < end.indexOf(`delete /etc/systemd/system/${unit}`));
    assert.ok(end.includes(`delete ${STATE}/rotation`));
    assert.ok(end.includes("delete /etc/wireguard/wg0-next.conf"));
  });

  it("includes a second interface's file in which only the key differs", () => {
    const commit = stepsText(
      changeOn(pushed(TWO), { ...TWO, second: { key: 22, port: 51821 } }),
      "commit",
    );
    assert.ok(commit.includes("place 600 /etc/wireguard/wg0-next.conf"));
  });

  it("includes another script of the host only together with another change", () => {
    const host = withFile(`${STATE}/host.sh`, "# of an older version\n", pushed());
    assert.equal(decideOn(host).kind, "nothing");
    const change = changeOn(host, TWO);
    assert.deepEqual(stepsText(change, "now"), [`place 600 ${STATE}/host.sh`, "  # host"]);
  });
});

describe("a change that was applied", () => {
  const next: RequestDraw = {
    ...RELAY,
    neighbours: [neighbour(0, { endpoint: "198.51.100.2:51820" }), ...RELAY.neighbours.slice(1)],
  };

  function applied(draw: RequestDraw, meanwhile: (host: Host) => void, former = RELAY) {
    const host = pushed(former);
    const situation = situationOf(host, draw);
    assert.ok(situation !== null);
    situation.run("apply");
    meanwhile(host);
    return unapplied(situation.observed, look(host, situation.wanted), situation.wanted);
  }

  it("is complete although its peer has roamed meanwhile", () => {
    const roam = (host: Host) => {
      Object.assign(peerOf(host, 0), { endpoint: "192.0.2.3:4500", handshake: host.now });
    };
    assert.deepEqual(applied(next, roam), []);
  });

  it("is complete although a name has other addresses by now", () => {
    const far = { ...RELAY, neighbours: [neighbour(0, { endpoint: "far.example.org:51820" })] };
    const move = (host: Host) => host.resolver.set("far.example.org", ["203.0.113.77"]);
    assert.deepEqual(applied(far, move), []);
  });

  it("is complete although the endpoint of a peer that roamed before counts as stale by now", () => {
    const host = pushed();
    Object.assign(peerOf(host, 0), { endpoint: "192.0.2.3:4500", handshake: host.now - 170 });
    const situation = situationOf(host, { ...RELAY, mtu: 1380 });
    assert.ok(situation !== null);
    situation.run("apply");
    host.now += 20;
    const after = look(host, situation.wanted);
    assert.deepEqual(unapplied(situation.observed, after, situation.wanted), []);
  });

  it("is incomplete if something has changed it back", () => {
    const lost = applied({ ...RELAY, mtu: 1380 }, (host) => (linkOf(host, IFACE).mtu = 1420));
    assert.deepEqual(lost, [{ kind: "mtu", interface: IFACE, is: 1420, wanted: 1380 }]);
  });
});
