/** A relay with a new address, a NAT that loses its mappings, a line with a small MTU. Needs root. */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { assertWithin } from "../../support/time-limits";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";

interface UpReport {
  failed: { node: string; reason: string }[];
  handOver: { node: string }[];
}

describe("a network whose environment changes", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    const config: typeof relay.config = (lab) => {
      const { peers, ...rest } = relay.config(lab);
      return { ...rest, peers: { ...peers, phone: { address: "10.0.0.9" } } };
    };
    mesh = await meshLab({ ...relay, config }, "test-moved-relay");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  async function router(script: string): Promise<void> {
    const done = await mesh.lab.exec("home", ["sh", "-ec", script]);
    assert.equal(done.code, 0, done.stderr);
  }

  it("F26: recovers from a lost NAT mapping within one keepalive interval", async () => {
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    // Masquerading drops all mappings when the interface goes down (nf_nat_masquerade.c).
    await router(
      "ip link set eth0 down; ip link set eth0 up; ip route add default via 203.0.113.1",
    );
    const startedAt = Date.now();
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2", 60_000), true);
    // 25 s keepalive, 2 s for the last lost ping.
    assertWithin(30, startedAt, 27);
  });

  it("F27: carries full-size packets over a line with MTU 1492 (PPPoE) with the default tunnel MTU", async () => {
    await router("ip link set mtu 1492 dev eth0");
    const ping = ["ping", "-n", "-M", "do", "-s", "1392", "-c", "1", "-W", "2"];
    const bothReply = await poll(
      async () => {
        const [toDesktop, toLaptop] = await Promise.all([
          mesh.lab.exec("laptop", [...ping, "10.0.0.2"]),
          mesh.lab.exec("desktop", [...ping, "10.0.0.3"]),
        ]);
        return toDesktop.code === 0 && toLaptop.code === 0 ? true : undefined;
      },
      { limitMs: 15_000, pauseMs: 10 },
    );
    assert.equal(bothReply, true);
  });

  it("F27: gets through an MTU black hole of 1400 with a smaller mtu in the peer's config", async () => {
    // Larger packets are dropped without an ICMP error.
    await router(
      "nft add table inet hole; nft add chain inet hole out '{ type filter hook postrouting priority 0; }'; " +
        "nft add rule inet hole out oifname eth0 meta length gt 1400 drop; " +
        "nft add chain inet hole in '{ type filter hook prerouting priority -300; }'; " +
        "nft add rule inet hole in iifname eth0 meta length gt 1400 drop",
    );
    const large = ["ping", "-n", "-M", "do", "-s", "1392", "-c", "1", "-W", "2", "10.0.0.3"];
    assert.notEqual((await mesh.lab.exec("desktop", large)).code, 0);
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1320);
    succeeded(await session.pulumi(...UP));
    const fitting = ["ping", "-n", "-M", "do", "-s", "1292", "-c", "1", "-W", "2", "10.0.0.3"];
    const fits = async () =>
      (await mesh.lab.exec("desktop", fitting)).code === 0 ? true : undefined;
    assert.equal(await poll(fits, { limitMs: 15_000, pauseMs: 10 }), true);
    const tooLarge = await mesh.lab.exec("desktop", large);
    assert.match(tooLarge.stdout + tooLarge.stderr, /message too long|Frag needed.*mtu ?= ?1320/i);
    await router("nft delete table inet hole; ip link set mtu 1500 dev eth0");
  });

  it("F10, F11: follows a relay to a new address: reachable peers get it, the others are reported", async () => {
    await session.on(
      "relay",
      "ip addr del 203.0.113.10/24 dev eth0; ip addr add 203.0.113.11/24 dev eth0; ip route replace default via 203.0.113.1",
    );
    setConfig(mesh.stack, ["relays", "relay", "host"], "root@203.0.113.11");
    // Now the desktop is reached only through the tunnel, which leads to the relay's old address.
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    const key = await session.on("relay", "wg show wg0 public-key");
    const done = await session.command("up", "--yes", "--skip-preview", "--json");
    assert.equal(done.code, 1);
    const report = JSON.parse(done.stdout) as UpReport;
    assert.deepEqual(
      report.failed.map(({ node }) => node),
      ["desktop"],
    );
    const reason = report.failed[0]?.reason ?? "";
    assert.match(
      reason,
      /^cannot be reached[^]*Its only way in is the tunnel[^]*put the former value back/,
    );
    assert.deepEqual(
      report.handOver.map(({ node }) => node),
      ["phone"],
    );
    assert.equal(await session.on("relay", "wg show wg0 public-key"), key);
    assert.match(await session.on("laptop", "wg show wg0 endpoints"), /203\.0\.113\.11:51820/);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.1"), true);

    const before = session.logins();
    setConfig(
      mesh.stack,
      ["peers", "desktop", "host"],
      `root@${mesh.lab.managementAddress("desktop")}`,
    );
    succeeded(await session.pulumi(...UP));
    // The relay's config changes, because the desktop has another host address now.
    assert.deepEqual(session.loginsSince(before), { relay: 1, desktop: 2, laptop: 0 });
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
  });

  it("leaks no secret", () => session.leaks.end());
});
