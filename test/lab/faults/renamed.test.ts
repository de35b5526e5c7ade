/** A node that gets another name in the config, and whose only way in is the tunnel. Real engine, sshd, WireGuard. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";
import { canPing } from "../support/small-world";
import { setConfig } from "../support/stack-edits";

describe("a node that is renamed", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(relay, "test-f-renamed");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  const link = () => session.on("desktop", "cat /sys/class/net/wg0/ifindex");

  function rename(from: string, to: string): void {
    const text = fs.readFileSync(mesh.stack.file, "utf8");
    fs.writeFileSync(mesh.stack.file, text.replaceAll(`    ${from}:\n`, `    ${to}:\n`));
  }

  it("keeps its tunnel, which may be the only way in: the removal of its previous name leaves the host alone", async () => {
    const before = await link();
    rename("desktop", "pc");
    const up = succeeded(await session.pulumi(...UP));
    assert.match(up.stdout, /pc: this host was desktop; it is pc from now on/);
    assert.match(up.stdout, /desktop: wg0 there belongs to wireguard-mesh\/\S+ pc, /);
    assert.equal(await link(), before);
    assert.ok(await canPing(mesh.lab, "laptop", "10.0.0.2"));
  });

  it("is the new name's: a second up changes nothing, and what is wanted of it is carried out", async () => {
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
    setConfig(mesh.stack, ["peers", "pc", "mtu"], 1390);
    succeeded(await session.pulumi(...UP));
    assert.equal(await session.on("desktop", "cat /sys/class/net/wg0/mtu"), "1390");
  });

  it("is not cut off either when the push under its new name fails", async () => {
    rename("pc", "desktop");
    // The host goes back; the relay itself is reached as before.
    setConfig(mesh.stack, ["relays", "relay", "endpoint"], "203.0.113.99:51820");
    const up = await session.pulumi(...UP);
    assert.notEqual(up.code, 0);
    assert.match(up.stdout, /desktop: the new config cut the way in, so the host went back/);
    assert.match(up.stdout, /pc: wg0 there belongs to wireguard-mesh\/\S+ desktop, /);
    assert.equal(await canPing(mesh.lab, "desktop", "10.0.0.1"), true);
    setConfig(mesh.stack, ["relays", "relay", "endpoint"], "203.0.113.10:51820");
    succeeded(await session.pulumi(...UP));
  });

  it("leaks no secret", () => session.leaks.end());
});
