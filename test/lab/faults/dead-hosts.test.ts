/** Hosts that do not answer: they fail alone and by name, block nobody's removal, and can be cleaned when they come back. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { leftOn, succeeded, talkTo, UP, type Talk } from "../support/mesh-talk";
import { setConfig } from "../support/stack-edits";

interface UpReport {
  ok: boolean;
  failed: { node: string; reason: string }[];
  waiting: string[];
}

describe("a host that does not answer", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let talk: Talk;

  before(async () => {
    const world = {
      ...relay.world,
      hosts: { ...relay.world.hosts, nas: { public: "203.0.113.40" } },
    };
    const config: typeof relay.config = (lab) => {
      const { peers, ...rest } = relay.config(lab);
      const nas = { address: "10.0.0.4", host: "root@203.0.113.40" };
      return { ...rest, peers: { ...peers, nas } };
    };
    mesh = await meshLab({ world, config }, "test-dead-hosts");
    talk = await talkTo(mesh);
    succeeded(await talk.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  async function timed<T>(work: () => Promise<T>): Promise<[number, T]> {
    const begun = Date.now();
    const result = await work();
    return [(Date.now() - begun) / 1000, result];
  }

  it("F1: fails alone, within 30 s, named with cause and remedy; the next up touches only it", async () => {
    setConfig(mesh.stack, ["network", "mtu"], 1400);
    await mesh.lab.cut("desktop");
    const up = ["up", "--yes", "--skip-preview", "--json"];
    const [seconds, done] = await timed(() => talk.pulumi(...UP));
    assert.notEqual(done.code, 0);
    assert.ok(seconds < 30, `it took ${seconds} s`);
    for (const host of ["relay", "laptop", "nas"]) {
      assert.equal(await talk.on(host, "cat /sys/class/net/wg0/mtu"), "1400");
    }
    const before = talk.logins();
    const again = await talk.command(...up);
    assert.equal(again.code, 1);
    const report = JSON.parse(again.stdout) as UpReport;
    assert.deepEqual(report.waiting, []);
    assert.deepEqual(
      report.failed.map(({ node }) => node),
      ["desktop"],
    );
    assert.match(
      report.failed[0]?.reason ?? "",
      /timed out: .* does not answer[\s\S]*Is the machine on/,
    );
    await mesh.lab.mend("desktop");
    succeeded(await talk.pulumi(...UP));
    assert.equal(await talk.on("desktop", "cat /sys/class/net/wg0/mtu"), "1400");
    const { relay: atRelay = 0, nas, desktop = 0 } = talk.loginsSince(before);
    // The second run's look at the tunnels asks whom it had settled; a push would have changed something.
    assert.ok(desktop >= 2 && atRelay <= 2, JSON.stringify(talk.loginsSince(before)));
    assert.ok((nas ?? 0) <= 2);
  });

  it("F23: that is removed is forgotten by its relay at once, and what is left on it is said", async () => {
    const key = await talk.on("nas", "wg show wg0 public-key");
    await mesh.lab.cut("nas");
    succeeded(await talk.command("remove-peer", "nas"));
    const up = succeeded(await talk.pulumi(...UP));
    assert.match(up.stdout, /What may be left on nas: the interface wg0, /);
    assert.match(up.stdout, /sudo sh \/var\/lib\/wireguard-mesh\/wg0\/host\.sh remove wg0/);
    assert.ok(!(await talk.on("relay", "wg show wg0 peers")).includes(key));
    await mesh.lab.mend("nas");
    await talk.on("nas", "sh /var/lib/wireguard-mesh/wg0/host.sh remove wg0");
    assert.deepEqual(await leftOn(talk, "nas"), []);
  });

  it("Q15: does not stop a destroy: all others are clean, it is named, and nothing of it stays in the state", async () => {
    await mesh.lab.cut("laptop");
    const [seconds, destroyed] = await timed(() =>
      talk.pulumi("destroy", "--yes", "--skip-preview", "--continue-on-error"),
    );
    succeeded(destroyed);
    assert.ok(seconds < 60, `it took ${seconds} s`);
    assert.match(destroyed.stdout, /laptop: cannot be reached[\s\S]*What may be left on laptop/);
    for (const host of ["relay", "desktop"]) assert.deepEqual(await leftOn(talk, host), []);
    const state = await talk.pulumi("stack", "export");
    assert.doesNotMatch(state.stdout, /command:local:Command/);
    await mesh.lab.mend("laptop");
    await talk.on("laptop", "sh /var/lib/wireguard-mesh/wg0/host.sh remove wg0");
    assert.deepEqual(await leftOn(talk, "laptop"), []);
  });

  it("let no secret be seen anywhere in all of this", () => talk.leaks.end());
});
