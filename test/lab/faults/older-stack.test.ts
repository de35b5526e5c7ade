/** Upgrading from commit 1dad003: its stack and hosts with the current program and engine. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { leftoversOn, succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";
import { recreateHostFiles, olderStackState, type OlderRequest } from "../support/older-stack";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";

/** The recorded state contains this stack name. */
const ID = "test-f-older-stack";
const HOSTS = ["relay", "desktop", "laptop", "nas"];

describe("a stack that an older version converged", function () {
  this.timeout(300_000);
  this.bail(true);
  let mesh: MeshLab;
  let session: MeshSession;
  let requests: OlderRequest[];
  let sessions: string[];

  before(async () => {
    const nas = { public: "203.0.113.40" };
    const world = { ...relay.world, hosts: { ...relay.world.hosts, nas } };
    mesh = await meshLab({ ...relay, world }, ID, (config) => ({
      ...config,
      peers: {
        ...config.peers,
        phone: { address: "10.0.0.9", persistentKeepalive: 25 },
        nas: { address: "10.0.0.4", host: "root@203.0.113.40" },
      },
    }));
    session = await openSession(mesh);
    const older = await olderStackState(mesh);
    requests = older.requests;
    const argv = ["pulumi", "stack", "import", "--non-interactive"];
    succeeded(await mesh.lab.exec("operator", argv, { input: older.state }));
    for (const request of requests) await recreateHostFiles(mesh.lab, request.node, request);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    sessions = await interfaces();
  });
  after(() => mesh.lab.down());

  it("previews only updates of its pushes and of the paths that it shows: no replacement or change of a node", async () => {
    const preview = succeeded(await session.pulumi("preview", "--json"));
    const { steps } = JSON.parse(preview.stdout) as { steps: { op: string; urn: string }[] };
    const changes = steps.filter(({ op }) => op !== "same");
    const updates = ["network", ...HOSTS.map((host) => `${host}-push-command`)];
    // Components without effects of their own: nothing runs when they are removed.
    const groups = HOSTS.map((host) => `${host}-push`);
    assert.deepEqual(
      changes.map(({ op, urn }) => [op, urn.split("::").at(-1)]).sort(),
      [
        ...updates.map((name) => ["update", name]),
        ...groups.map((name) => ["delete", name]),
      ].sort(),
    );
  });

  it("converges without a change on the hosts, and a second up does nothing", async () => {
    const up = succeeded(await session.command("up", "--yes", "--skip-preview", "--json"));
    assert.deepEqual((JSON.parse(up.stdout) as { handOver: unknown[] }).handOver, []);
    assert.deepEqual(await interfaces(), sessions);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    const before = session.logins();
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
    succeeded(await session.pulumi(...UP));
    assert.deepEqual(Object.values(session.loginsSince(before)), [0, 0, 0, 0]);
  });

  it("applies a change on every host without a restart, and status works", async () => {
    setConfig(mesh.stack, ["network", "mtu"], 1400);
    succeeded(await session.pulumi(...UP));
    assert.deepEqual(await interfaces(), sessions);
    for (const host of HOSTS) {
      const shown = "cat /sys/class/net/wg0/mtu; cat /var/lib/wireguard-mesh/wg0/format";
      assert.equal(await session.on(host, shown), "1400\n3", host);
    }
    succeeded(await session.command("status"));
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.3"), true);
  });

  it("removes a peer, and destroy cleans all hosts", async () => {
    succeeded(await session.command("remove-peer", "nas"));
    succeeded(await session.pulumi(...UP));
    assert.deepEqual(await remainingOn("nas"), []);
    succeeded(await session.pulumi("destroy", "--yes", "--skip-preview"));
    for (const host of HOSTS) assert.deepEqual(await remainingOn(host), [], host);
    assert.equal(await session.on("relay", "cat /proc/sys/net/ipv4/ip_forward"), "0");
  });

  it("leaks no secret", () => session.leaks.end());

  /** The interface index, which changes at a restart. */
  function interfaces(): Promise<string[]> {
    return Promise.all(HOSTS.map((host) => session.on(host, "cat /sys/class/net/wg0/ifindex")));
  }

  /** Without that version's lock file, which stays until the next boot like the current one. */
  async function remainingOn(host: string): Promise<string[]> {
    const left = await leftoversOn(session, host);
    return left.filter((file) => file !== "/run/lock/wireguard-mesh-wg0");
  }
});
