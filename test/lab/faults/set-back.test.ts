/** A host that was set back to an older confirmed state, as by a snapshot: every remedy restores it. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { UNTIL_GONE } from "../support/host-protocol";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "../support/mesh-session";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";

interface Status {
  ok: boolean;
  nodes: Record<string, { drift: string[] }>;
}

const KEPT = "/root/snapshot.tar";
const FILES = "/etc/wireguard /etc/sysctl.d /var/lib/wireguard-mesh";

describe("a host that was set back to an older state", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(relay, "test-f-set-back");
    session = await openSession(mesh);
    setConfig(mesh.stack, ["network", "mtu"], 1390);
    succeeded(await session.pulumi(...UP));
    await session.on("desktop", `tar cf ${KEPT} ${FILES}`);
    setConfig(mesh.stack, ["network", "mtu"], 1400);
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  const mtu = (): Promise<string> => session.on("desktop", "cat /sys/class/net/wg0/mtu");

  /** As a machine that boots from a snapshot. */
  async function setBack(): Promise<void> {
    await session.on(
      "desktop",
      `ip link del wg0; ${UNTIL_GONE}; rm -rf ${FILES} /run/wireguard-mesh /run/wireguard-mesh.lock; tar xf ${KEPT} -C /; wg-quick up wg0`,
    );
    assert.equal(await mtu(), "1390");
  }

  async function driftOf(node: string): Promise<string[]> {
    const { stdout } = await session.command("status", node, "--json");
    return (JSON.parse(stdout) as Status).nodes[node]?.drift ?? [];
  }

  async function assertAsPlanned(): Promise<void> {
    assert.equal(await mtu(), "1400");
    assert.deepEqual(await driftOf("desktop"), []);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  }

  it("is reported by status, and restored by its remedy", async () => {
    await setBack();
    const drift = await driftOf("desktop");
    assert.ok(drift.includes("MTU is 1390, planned is 1400"), drift.join("\n"));
    const shown = await session.command("status", "desktop");
    const [, remedy = ""] =
      /set back to an older state; to undo that:\s+npx wireguard-mesh (.*)/.exec(shown.stdout) ??
      [];
    assert.equal(remedy, "repush desktop", shown.stdout);
    const done = succeeded(await session.command(...remedy.split(" ")));
    assert.match(done.stdout, /fixed:.* desktop .*it had been set back to an older config/);
    await assertAsPlanned();
  });

  it("is restored by up --check too", async () => {
    await setBack();
    const up = succeeded(await session.command("up", "--check", "--yes", "--skip-preview"));
    assert.match(up.stderr, /desktop.* differs from the plan:/);
    await assertAsPlanned();
  });

  it("gets the next change of the config like any other", async () => {
    await setBack();
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1380);
    succeeded(await session.pulumi(...UP));
    assert.equal(await mtu(), "1380");
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1400);
    succeeded(await session.pulumi(...UP));
    await assertAsPlanned();
  });

  it("is distinguished from a host with a newer config, which repush changes only with --force", async () => {
    // As by the up of another operator, whose state is not here.
    await session.on(
      "desktop",
      "f=/var/lib/wireguard-mesh/wg0/confirmed; sed -i -e 's/^digest 0/digest 1/; t' -e 's/^digest ./digest 0/' -e 's/^serial .*/serial 999/' $f; ip link set mtu 1385 dev wg0",
    );
    const refused = await session.command("repush", "desktop");
    assert.equal(refused.code, 1);
    assert.match(refused.stdout + refused.stderr, /has confirmed a newer config than this stack's/);
    const [, remedy = ""] =
      /npx wireguard-mesh (repush desktop --force)/.exec(refused.stdout + refused.stderr) ?? [];
    succeeded(await session.command(...remedy.split(" ")));
    await assertAsPlanned();
  });

  it("leaks no secret", async () => {
    await session.on("desktop", `rm ${KEPT}`);
    await session.leaks.end();
  });
});
