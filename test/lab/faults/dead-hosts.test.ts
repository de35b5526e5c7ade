/** Unreachable hosts: each fails alone and by name, does not block a removal, and can be cleaned later. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { REACH_MS, REMOVE_MS } from "../../../scripts/push/limits";
import { assertWithin } from "../../support/time-limits";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { leftoversOn, succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";
import { setConfig } from "../support/stack-edits";

interface UpReport {
  ok: boolean;
  failed: { node: string; reason: string }[];
  waiting: string[];
}

describe("an unreachable host", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

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
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  it("F14, F15, F16, F17: is not contacted and no resource is registered when the config is invalid", async () => {
    const previous = fs.readFileSync(mesh.stack.file, "utf8");
    setConfig(mesh.stack, ["peers", "desktop", "address"], "10.0.0.3");
    setConfig(mesh.stack, ["peers", "laptop", "subnets"], ["10.0.0.0/16"]);
    setConfig(mesh.stack, ["network", "mtu"], "fourteen hundred");
    setConfig(mesh.stack, ["peers", "nas", "PostUp"], "id");
    const before = session.logins();
    const up = await session.pulumi(...UP);
    assert.notEqual(up.code, 0);
    assert.match(up.stdout, /the config has 4 mistakes; nothing was changed/);
    assert.doesNotMatch(up.stdout, /wireguard-mesh:index:/);
    assert.deepEqual(session.loginsSince(before), { relay: 0, desktop: 0, laptop: 0, nas: 0 });
    fs.writeFileSync(mesh.stack.file, previous);
  });

  it("F1: fails alone within 30 s, with cause and remedy; the next up pushes only to it", async () => {
    setConfig(mesh.stack, ["network", "mtu"], 1400);
    await mesh.lab.disconnect("desktop");
    const first = await session.command("up", "--yes", "--skip-preview", "--json");
    assert.equal(first.code, 1);
    const report = JSON.parse(first.stdout) as UpReport;
    assert.deepEqual(
      report.failed.map(({ node }) => node),
      ["desktop"],
    );
    const reason = report.failed[0]?.reason ?? "";
    assert.match(reason, /timed out: .* does not answer[\s\S]*Is the machine on/);
    for (const host of ["relay", "laptop", "nas"]) {
      assert.equal(await session.on(host, "cat /sys/class/net/wg0/mtu"), "1400");
    }

    // Only that host is left, so this measures its failure, including the engine's start.
    const startedAt = Date.now();
    const again = await session.pulumi(...UP);
    assert.notEqual(again.code, 0);
    assertWithin(30, startedAt, REACH_MS / 1000);

    await mesh.lab.reconnect("desktop");
    const before = session.logins();
    succeeded(await session.pulumi(...UP));
    assert.equal(await session.on("desktop", "cat /sys/class/net/wg0/mtu"), "1400");
    assert.deepEqual(session.loginsSince(before), { relay: 0, desktop: 2, laptop: 0, nas: 0 });
  });

  it("F23: is removed from its relay at once, with a report of what is left on it", async () => {
    const key = await session.on("nas", "wg show wg0 public-key");
    await mesh.lab.disconnect("nas");
    succeeded(await session.command("remove-peer", "nas"));
    const up = succeeded(await session.pulumi(...UP));
    assert.match(up.stdout, /What may be left on nas: the interface wg0, /);
    assert.match(up.stdout, /sudo sh \/var\/lib\/wireguard-mesh\/wg0\/host\.sh remove wg0/);
    assert.ok(!(await session.on("relay", "wg show wg0 peers")).includes(key));
    await mesh.lab.reconnect("nas");
    await session.on("nas", "sh /var/lib/wireguard-mesh/wg0/host.sh remove wg0");
    assert.deepEqual(await leftoversOn(session, "nas"), []);
  });

  it("Q15: does not block destroy: the others are cleaned, it is named, and the state is empty", async () => {
    await mesh.lab.disconnect("laptop");
    const startedAt = Date.now();
    const destroyed = await session.pulumi(
      ...["destroy", "--yes", "--skip-preview", "--continue-on-error"],
    );
    succeeded(destroyed);
    assertWithin(60, startedAt, REMOVE_MS / 1000);
    assert.match(destroyed.stdout, /laptop: cannot be reached[\s\S]*What may be left on laptop/);
    for (const host of ["relay", "desktop"]) assert.deepEqual(await leftoversOn(session, host), []);
    const state = await session.pulumi("stack", "export");
    assert.doesNotMatch(state.stdout, /command:local:Command/);
    await mesh.lab.reconnect("laptop");
    await session.on("laptop", "sh /var/lib/wireguard-mesh/wg0/host.sh remove wg0");
    assert.deepEqual(await leftoversOn(session, "laptop"), []);
  });

  it("leaks no secret", () => session.leaks.end());
});
