/** The end-to-end test of `npm test`: each common change once, with the real engine, sshd and WireGuard. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { lossDuring } from "./support/ping-stream";
import { leftoversOn, succeeded, openSession, UP, type MeshSession } from "./support/mesh-session";
import { canPing, canPingSoon } from "./support/small-world";
import { deleteConfig, setConfig } from "./support/stack-edits";

describe("smoke test: a relay and two peers behind NAT", function () {
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    const world = {
      ...relay.world,
      hosts: { ...relay.world.hosts, nas: { public: "203.0.113.40" } },
    };
    mesh = await meshLab({ ...relay, world }, "test-smoke");
    session = await openSession(mesh);
  });
  after(() => mesh.lab.down());

  it("runs the operator's programs on the Node that runs this test", async () => {
    const shown = succeeded(await mesh.lab.exec("operator", ["node", "-v"]));
    assert.equal(shown.stdout.trim(), process.version);
  });

  it("converges, and the peers reach each other through the relay", async () => {
    assert.equal(await canPing(mesh.lab, "laptop", "10.0.0.2"), false);
    succeeded(await session.pulumi(...UP));
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.3"), true);
  });

  it("changes nothing and logs in to no host in a second up", async () => {
    const before = session.logins();
    const up = succeeded(await session.pulumi(...UP));
    assert.match(up.stdout, /^ {4}\d+ unchanged$/m);
    assert.doesNotMatch(up.stdout, /changed, |created|updated|deleted|replaced/);
    assert.deepEqual(session.logins(), before);
  });

  it("uses the stack that `pulumi stack select` recorded", async () => {
    const select = `unset PULUMI_STACK; pulumi stack select ${mesh.stack.name} --non-interactive`;
    const plan = "node dist/scripts/wireguard-mesh.js plan";
    const shown = await mesh.lab.exec("operator", ["sh", "-c", `${select} && ${plan}`]);
    assert.match(succeeded(shown).stdout, /^desktop +peer +10\.0\.0\.2 /m);
  });

  it("adds a peer by pushing to it and to its relay only, without a lost packet", async () => {
    const before = session.logins();
    const loss = await lossDuring(mesh.lab, "laptop", "10.0.0.2", async () => {
      const host = ["--host", "root@203.0.113.40", "--host-key", mesh.lab.hostKey("nas")];
      succeeded(await session.command("add-peer", "nas", ...host));
      const preview = succeeded(await session.command("preview"));
      assert.match(preview.stdout, /^Changes\n {2}relay +\+ peer nas\n {2}nas +\+ new: /);
      const markdown = await session.command("preview", "--format", "markdown");
      assert.match(succeeded(markdown).stdout, /^\| `relay` \| \+ peer nas \|$/m);
      succeeded(await session.pulumi(...UP));
    });
    assert.ok(loss.sent > 50, `only ${loss.sent} pings`);
    assert.equal(loss.sent - loss.received, 0);
    assert.deepEqual(session.loginsSince(before), { relay: 2, desktop: 0, laptop: 0, nas: 2 });
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.4"), true);
  });

  it("removes a peer from the relay and cleans its host", async () => {
    const key = await session.on("nas", "wg show wg0 public-key");
    succeeded(await session.command("remove-peer", "nas"));
    succeeded(await session.pulumi(...UP));
    assert.ok(!(await session.on("relay", "wg show wg0 peers")).includes(key));
    assert.deepEqual(await leftoversOn(session, "nas"), []);
  });

  it("undoes a change that cuts a host's only SSH path, reports it, and converges when the change is reverted", async () => {
    const before = await session.on("laptop", "cat /etc/wireguard/wg0.conf");
    // Routes the operator's addresses into the tunnel. The desktop can still be reached through the relay, the laptop cannot.
    setConfig(mesh.stack, ["relays", "relay", "subnets"], ["172.29.0.0/29"]);
    const cut = await session.pulumi(...UP);
    assert.notEqual(cut.code, 0);
    assert.match(cut.stdout, /laptop: the new config cut the way in, so the host went back/);
    assert.equal(await session.on("laptop", "cat /etc/wireguard/wg0.conf"), before);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    deleteConfig(mesh.stack, ["relays", "relay", "subnets"]);
    succeeded(await session.pulumi(...UP));
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
  });

  it("leaks no secret", () => session.leaks.end());
});
