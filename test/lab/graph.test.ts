/** `graph` of a real network: in health, with a peer whose tunnel is down, and with a pending change. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../scripts/lab/scenarios/relay";
import { canPingSoon } from "./support/small-world";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { deleteConfig } from "./support/stack-edits";

describe("a picture of a relay and two peers", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(relay, "test-graph");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    assert.ok(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"));
  });
  after(() => mesh.lab.down());

  it("is an output of the stack, as the command draws it", async () => {
    const output = succeeded(await session.pulumi("stack", "output", "graph"));
    const drawn = succeeded(await session.command("graph"));
    assert.equal(output.stdout.trim(), drawn.stdout.trim());
  });

  it("shows a network in health, and where its NATs are", async () => {
    const { stdout } = succeeded(await session.command("graph", "--live"));
    assert.match(stdout, /^ {2}n_relay\[\["<b>relay<\/b>.*<br\/>alive"\]\]:::good$/m);
    assert.match(
      stdout,
      /^ {2}n_desktop\[.*<br\/>behind NAT 203\.0\.113\.21<br\/>alive"\]:::good$/m,
    );
    assert.match(
      stdout,
      /^ {2}n_laptop\[.*<br\/>behind NAT 203\.0\.113\.22<br\/>alive"\]:::good$/m,
    );
    assert.match(stdout, /^ {2}n_laptop --> n_relay$/m);
  });

  it("shows a peer whose tunnel is stopped as dead, and exits with 1", async () => {
    await session.on("laptop", "wg-quick down wg0 2>&1");
    const { code, stdout } = await session.command("graph", "--live");
    assert.equal(code, 1);
    assert.match(stdout, /^ {2}n_laptop\[.*<br\/>dead"\]:::bad$/m);
    assert.match(stdout, /^ {2}n_laptop -\.->\|"dead"\| n_relay$/m);
    assert.match(stdout, /^ {2}n_relay\[\[.*<br\/>1 of 2 tunnels alive"\]\]:::partly$/m);
    assert.match(stdout, /^ {2}n_desktop\[.*<br\/>alive"\]:::good$/m);
    await session.on("laptop", "wg-quick up wg0 2>&1");
  });

  it("marks what the next up removes, and nothing after that up", async () => {
    deleteConfig(mesh.stack, ["peers", "laptop"]);
    deleteConfig(mesh.stack, ["privateKeys", "laptop"]);
    const { stdout } = succeeded(await session.command("graph", "--diff"));
    assert.match(stdout, /^ {2}n_laptop\[.*<br\/>removed"\]:::removed$/m);
    assert.match(stdout, /^ {2}n_laptop -\.-> n_relay$/m);
    assert.match(stdout, /^ {2}n_desktop\[.*\]:::node$/m);
    succeeded(await session.pulumi(...UP));
    const after = succeeded(await session.command("graph", "--diff"));
    assert.match(after.stdout, /"Nothing changes\."/);
    assert.doesNotMatch(after.stdout, /removed|added/);
  });

  it("leaks no secret", () => session.leaks.end());
});
