/** Networks from public documentation, with the real engine: exactly the pairs answer that should. Needs root. */
import * as assert from "node:assert/strict";
import { assertAllPairs } from "./support/all-pairs";
import { open, origin, overVpc, silentDevice, type KnownNetwork } from "./support/known-networks";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP } from "./support/mesh-session";
import { canPing, canPingSoon } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const ID = "test-networks";
const RELAY = "10.0.0.1";

describe("known networks", function () {
  this.timeout(300_000);

  /** Builds a network for a test and takes it down. */
  async function built(
    network: Pick<KnownNetwork, "world" | "config">,
    test: (mesh: MeshLab) => Promise<void>,
  ): Promise<void> {
    const mesh = await meshLab(network, ID);
    try {
      await test(mesh);
    } finally {
      await mesh.lab.down();
    }
  }

  it(origin.title, () =>
    built(origin, async (mesh) => {
      const { pulumi, command, on, leaks } = await openSession(mesh);
      succeeded(await pulumi(...UP));
      await assertAllPairs(mesh, origin);

      // C1n: the relay answers, and does not forward.
      await on("c", "sysctl -qw net.ipv4.ip_forward=0");
      for (const peer of ["a", "b"]) assert.ok(await canPingSoon(mesh.lab, peer, RELAY));
      assert.equal(await canPing(mesh.lab, "a", "10.0.0.3"), false);
      const status = await command("status");
      assert.deepEqual([status.code, /does not forward/.test(status.stdout)], [1, true]);
      succeeded(await command("repush", "c"));
      assert.ok(await canPingSoon(mesh.lab, "a", "10.0.0.3"));
      await leaks.end();
    }),
  );

  it("C1k: a device behind NAT without keepalive gets a warning, and cannot be reached until it sends a packet", () =>
    built(silentDevice, async (mesh) => {
      const { lab } = mesh;
      const command = (...argv: string[]) =>
        lab.exec("operator", ["node", "dist/scripts/wireguard-mesh.js", ...argv]);
      const plan = succeeded(await command("plan"));
      assert.match(plan.stdout, /^ {2}warning: peers\.b\.persistentKeepalive/m);
      succeeded(await mesh.pulumi(...UP));
      const { stdout } = succeeded(await command("config", "b"));
      const setUp = "umask 077; mkdir -p /etc/wireguard; cat >/etc/wireguard/wg0.conf";
      const argv = ["sh", "-c", `${setUp}; wg-quick up wg0 2>&1`];
      succeeded(await lab.exec("b", argv, { input: stdout }));
      assert.ok(await canPingSoon(lab, "a", RELAY));
      assert.equal(await canPing(lab, "a", "10.0.0.3"), false);
      assert.ok(await canPingSoon(lab, "b", RELAY));
      assert.ok(await canPingSoon(lab, "a", "10.0.0.3"));
    }));

  for (const network of open)
    it(network.title, () =>
      built(network, async (mesh) => {
        succeeded(await mesh.pulumi(...UP));
        await assertAllPairs(mesh, network);
      }),
    );

  it("F15, C12: an overlay over the VPC of its relay is refused, and the relay keeps its name server", () =>
    built(overVpc, async (mesh) => {
      const up = await mesh.pulumi(...UP);
      assert.notEqual(up.code, 0);
      const refusal =
        /10\.0\.0\.0\/24 would lead into the tunnel, and this host is in 10\.0\.0\.0\/16 itself, by eth0/;
      assert.match(up.stdout + up.stderr, refusal);
      assert.ok(await canPingSoon(mesh.lab, "relay", "10.0.0.2"));
      assert.notEqual((await mesh.lab.exec("relay", ["ip", "link", "show", "wg0"])).code, 0);
      setConfig(mesh.stack, ["network", "cidr"], "10.99.0.0/24");
      setConfig(mesh.stack, ["relays", "relay", "address"], "10.99.0.1");
      setConfig(mesh.stack, ["peers", "phone", "address"], "10.99.0.3");
      succeeded(await mesh.pulumi(...UP));
      assert.ok(await canPingSoon(mesh.lab, "relay", "10.0.0.2"));
    }));
});
