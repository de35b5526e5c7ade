/** A config that cuts the only path to a host: the host rolls back and `up` reports it. Needs root. */
import * as assert from "node:assert/strict";
import type { CommandResult } from "../../scripts/lab/process";
import { relay } from "../../scripts/lab/scenarios/relay";
import { SETTLE_MS } from "../../scripts/push/limits";
import { assertWithin } from "../support/time-limits";
import { LeakWatch } from "./support/leak-watch";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { canPingSoon } from "./support/small-world";
import { deleteConfig, setConfig } from "./support/stack-edits";

const UP = ["up", "--yes", "--skip-preview", "--continue-on-error"];

describe("a host that is reached only through the tunnel", () => {
  let mesh: MeshLab;
  let leaks: LeakWatch;

  before(async () => {
    mesh = await meshLab(relay, "test-cut-off");
    leaks = await LeakWatch.forStack(mesh);
    assert.equal((await pulumi(...UP)).code, 0);
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    const moved = await pulumi(...UP);
    assert.equal(moved.code, 0, moved.stdout);
  });
  after(() => mesh.lab.down());

  it("gets a push through the tunnel that the push changes", async () => {
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1380);
    assert.equal((await pulumi(...UP)).code, 0);
    assert.equal((await onDesktop("cat", "/sys/class/net/wg0/mtu")).trim(), "1380");
  });

  it("F9: rolls back within 90 s when its new config cuts the tunnel", async () => {
    const previous = await onDesktop("cat", "/etc/wireguard/wg0.conf");
    // A wrong endpoint: it changes only the peers' configs, so they lose the tunnel.
    setConfig(mesh.stack, ["relays", "relay", "endpoint"], "203.0.113.99:51820");
    setConfig(mesh.stack, ["peers", "laptop", "enabled"], false);
    const startedAt = Date.now();
    const up = await pulumi(...UP);
    assert.notEqual(up.code, 0);
    // The host waits for a handshake at the new endpoint, and undoes the change without one.
    assert.match(
      up.stdout,
      /desktop: (the change failed on the host and was undone|the new config cut the way in)[^]*no handshake with relay at 203\.0\.113\.99:51820/,
    );
    assertWithin(110, startedAt, SETTLE_MS / 1000);
    assert.equal(await onDesktop("cat", "/etc/wireguard/wg0.conf"), previous);
    assert.match(await onDesktop("wg", "show", "wg0", "endpoints"), /203\.0\.113\.10:51820/);
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.1"), true);
  });

  it("F9: gets the next push", async () => {
    deleteConfig(mesh.stack, ["relays", "relay", "endpoint"]);
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1390);
    assert.equal((await pulumi(...UP)).code, 0);
    assert.equal((await onDesktop("cat", "/sys/class/net/wg0/mtu")).trim(), "1390");
  });

  it("follows a change of the relay's port, and back", async () => {
    setConfig(mesh.stack, ["relays", "relay", "listenPort"], 51999);
    const moved = await pulumi(...UP);
    assert.equal(moved.code, 0, moved.stdout);
    deleteConfig(mesh.stack, ["relays", "relay", "listenPort"]);
    const back = await pulumi(...UP);
    assert.equal(back.code, 0, back.stdout);
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.1"), true);
  });

  it("is cleaned by destroy before its relay", async () => {
    const destroyed = await pulumi("destroy", "--yes", "--skip-preview");
    assert.equal(destroyed.code, 0, destroyed.stdout);
    for (const host of ["desktop", "relay", "laptop"]) {
      const left = ["find", "/etc/wireguard", "/var/lib/wireguard-mesh", "/sys/class/net/wg0"];
      const found = (await mesh.lab.exec(host, left)).stdout
        .split("\n")
        .filter((line) => line !== "");
      assert.deepEqual(found, ["/etc/wireguard"], host);
    }
  });

  it("leaks no secret", () => leaks.end());

  async function pulumi(...args: string[]): Promise<CommandResult> {
    const done = await mesh.pulumi(...args);
    leaks.add(`output of pulumi ${args.join(" ")}`, done.stdout + done.stderr);
    return done;
  }

  async function onDesktop(...argv: string[]): Promise<string> {
    return (await mesh.lab.exec("desktop", argv)).stdout;
  }
});
