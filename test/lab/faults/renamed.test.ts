/** Renaming a node that is reached only through the tunnel. Real engine, sshd, WireGuard. Needs root. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";

describe("a renamed node", function () {
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

  it("keeps its tunnel: removing its old name does not change the host", async () => {
    const before = await link();
    rename("desktop", "pc");
    const up = succeeded(await session.pulumi(...UP));
    assert.match(up.stdout, /pc: this host was desktop; it is pc from now on/);
    assert.match(
      up.stdout,
      /desktop: wg0 there belongs to pc now, so the removal of desktop changed nothing/,
    );
    assert.equal(await link(), before);
    assert.ok(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"));
  });

  it("belongs to the new name: a second up changes nothing, and changes are applied", async () => {
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
    setConfig(mesh.stack, ["peers", "pc", "mtu"], 1390);
    succeeded(await session.pulumi(...UP));
    assert.equal(await session.on("desktop", "cat /sys/class/net/wg0/mtu"), "1390");
  });

  it("stays connected when the push under its new name fails", async () => {
    rename("pc", "desktop");
    // The host rolls back; the relay itself is still reachable.
    setConfig(mesh.stack, ["relays", "relay", "endpoint"], "203.0.113.99:51820");
    const up = await session.pulumi(...UP);
    assert.notEqual(up.code, 0);
    assert.match(
      up.stdout,
      /desktop: (the change failed on the host and was undone|the new config cut the way in)[^]*no handshake with relay at 203\.0\.113\.99:51820/,
    );
    // Just after the rollback the tunnel may not have recovered yet; then the removal cannot reach the host.
    const untouched =
      /pc: (wg0 there belongs to desktop now, so |cannot be reached, so nothing was sent)/;
    assert.match(up.stdout, untouched);
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.1"), true);
    setConfig(mesh.stack, ["relays", "relay", "endpoint"], "203.0.113.10:51820");
    succeeded(await session.pulumi(...UP));
  });

  it("leaks no secret", () => session.leaks.end());
});
