/** Key rotation under traffic, pushed host by host: short ping gaps, no lockout, offline peers. Needs root. */
import * as assert from "node:assert/strict";
import { poll } from "../../scripts/poll";
import { Lab } from "../../scripts/lab/lab";
import type { LeakWatch } from "./support/leak-watch";
import {
  ADDRESSES,
  pushed,
  RotatingNetwork,
  ROTATING_WORLD,
  ROTATION_INTERFACE,
  tried,
  wgQuick,
} from "./support/rotating";
import {
  assertShort,
  describeGaps,
  pingGapsDuring,
  type Direction,
  type PingGap,
} from "./support/ping-gaps";
import { canPing, canPingSoon } from "./support/small-world";

/** OWN: through the relay to and from the desktop. OTHER: the laptop's own tunnel to the relay. */
const OWN: Direction[] = [
  ["laptop", "10.0.0.2"],
  ["desktop", "10.0.0.3"],
];
const OTHER: Direction[] = [
  ["laptop", "10.0.0.1"],
  ["relay", "10.0.0.3"],
];

describe("a key rotation under traffic", function () {
  this.timeout(240_000);
  let lab: Lab;
  let net: RotatingNetwork;
  let leaks: LeakWatch;

  before(async () => {
    lab = await Lab.up(ROTATING_WORLD, { id: "test-rotate-keys" });
    net = new RotatingNetwork(lab);
    leaks = await net.watchLeaks();
    await pushAll();
    for (const phone of ["early", "late"]) await net.configureByHand(phone);
  });
  after(() => lab.down());

  const viaTunnel = () => net.peer("desktop", net.tunnel("desktop"));

  async function pushAll(): Promise<void> {
    for (const request of [net.relay(), net.peer("desktop"), net.peer("laptop")]) {
      await pushed(lab, request, leaks);
    }
  }

  async function gaps(title: string, action: () => Promise<void>): Promise<PingGap[]> {
    const measured = await pingGapsDuring(lab, [...OWN, ...OTHER], action);
    process.stderr.write(`      ${title}: ${describeGaps(measured)}\n`);
    return measured;
  }

  const lossOf = (measured: PingGap[], which: Direction[]) =>
    measured
      .filter(({ from, to }) => which.some(([a, b]) => a === from && b === to))
      .map(({ lost }) => lost);

  describe("of a peer that is reached only through the tunnel", () => {
    it("has a short gap for the peer and no packet loss for others", async () => {
      net.stage("desktop");
      const measured = await gaps("peer's key", async () => {
        await pushed(lab, net.relay(), leaks);
        await pushed(lab, viaTunnel(), leaks);
      });
      assertShort(measured);
      assert.deepEqual(lossOf(measured, OTHER), [0, 0]);
    });

    it("loses no packet when the relay gets the same config again", async () => {
      const measured = await gaps("the same again", async () => {
        assert.equal(await pushed(lab, net.relay(), leaks), "unchanged");
        const changed = { ...net.relay(), probes: ["10.0.0.2"] };
        await pushed(lab, { ...changed, config: `${changed.config}\n` }, leaks);
      });
      assert.deepEqual(lossOf(measured, [...OWN, ...OTHER]), [0, 0, 0, 0]);
    });

    it("F22: accepts the peer's old key again, and then the new one", async () => {
      const { current } = net.nodeKeys("desktop");
      await useFile("desktop", net.fileOf("desktop", net.relayAccess, current));
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
      await useFile("desktop", net.fileOf("desktop"));
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
    });

    it("removes the old key at the finish without packet loss", async () => {
      const old = net.nodeKeys("desktop").current.publicKey;
      net.finish("desktop");
      const measured = await gaps("finish", async () => {
        await pushed(lab, net.relay(), leaks);
        await pushed(lab, viaTunnel(), leaks);
      });
      assert.deepEqual(lossOf(measured, [...OWN, ...OTHER]), [0, 0, 0, 0]);
      const known = await lab.exec("relay", ["wg", "show", "wg0", "peers"]);
      assert.ok(known.stdout.length > 0 && !known.stdout.includes(old));
      await assertNoWatcher();
    });
  });

  describe("of the relay", () => {
    it("leaves a peer on the old key without packet loss when the rotation port is closed", async () => {
      net.stage("relay");
      await pushed(lab, net.relay(), leaks);
      await onRelay("nft add table inet lab");
      await onRelay("nft 'add chain inet lab in { type filter hook input priority 0; }'");
      await onRelay("nft add rule inet lab in udp dport 51821 drop");
      const measured = await gaps("closed port", async () => {
        const failed = await tried(lab, viaTunnel(), leaks);
        assert.equal(failed.code, 1);
        assert.match(failed.stderr, /no handshake with relay at 203\.0\.113\.10:51821/);
        assert.match(failed.stderr, /is UDP port 51821 open at 203\.0\.113\.10\?/);
      });
      await onRelay("nft delete table inet lab");
      assert.deepEqual(lossOf(measured, [...OWN, ...OTHER]), [0, 0, 0, 0]);
    });

    it("has short gaps as each peer moves, and does not lock out peers", async () => {
      await lab.disconnect("laptop");
      await pushed(lab, viaTunnel(), leaks);
      await lab.reconnect("laptop");
      // It was offline: it still works with the old key, and the next push moves it.
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
      const measured = await gaps("relay's key", async () => {
        await pushed(lab, net.relay(), leaks);
        await pushed(lab, net.peer("laptop"), leaks);
      });
      assertShort(measured);
    });

    it("serves phones with the old and with the new config", async () => {
      await net.configureByHand("late");
      for (const phone of ["early", "late"]) {
        assert.equal(await canPingSoon(lab, phone, "10.0.0.2"), true, phone);
        assert.equal(await canPingSoon(lab, "desktop", ADDRESSES[phone] ?? ""), true, phone);
      }
    });

    it("survives a reboot of the relay", async () => {
      await lab.reboot("relay");
      // Like its systemd units: sysctl, the first interface, and the watcher, which starts the rotation interface.
      await onRelay("sysctl -p /etc/sysctl.d/60-wireguard-mesh-wg0.conf");
      await onRelay(
        `(${wgQuick("up")}; setsid sh /var/lib/wireguard-mesh/wg0/host.sh watch wg0 &) >/dev/null 2>&1`,
      );
      // A peer starts a new handshake 15 s after it sent data without a reply (WireGuard's timers).
      for (const node of ["laptop", "desktop", "early", "late"]) {
        assert.equal(await canPingSoon(lab, node, "10.0.0.1", 60_000), true, node);
      }
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
    });

    it("has short gaps at the finish, and leaves nothing behind: the peers stay as they are", async () => {
      net.finish("relay");
      const measured = await gaps("relay's finish", async () => {
        assert.equal(await pushed(lab, net.relay(), leaks), "applied");
        for (const peer of [viaTunnel(), net.peer("laptop")]) await pushed(lab, peer, leaks);
        // Keepalives come every 5 s, and an old session may send for 10 s more: neither may move a peer back.
        await new Promise((resolve) => setTimeout(resolve, 20_000));
      });
      assertShort(measured);
      const left = `ip rule show pref 5182; ls -d /sys/class/net/${ROTATION_INTERFACE}; find /etc/wireguard -name '${ROTATION_INTERFACE}*'`;
      assert.equal(await onRelay(`${left} 2>/dev/null`), "");
      assert.equal((await onRelay("wg show wg0 listen-port")).trim(), "51821");
      await assertNoWatcher();
    });

    it("serves the phone with the new config, but not the one with the old config", async () => {
      assert.equal(await canPingSoon(lab, "late", "10.0.0.2"), true);
      assert.equal(await canPing(lab, "early", "10.0.0.1"), false);
    });

    it("goes back to the first port with the next rotation", async () => {
      net.stage("relay");
      const measured = await gaps("the way back", async () => {
        for (const request of [net.relay(), viaTunnel(), net.peer("laptop")])
          await pushed(lab, request, leaks);
        net.finish("relay");
        await pushed(lab, net.relay(), leaks);
      });
      assertShort(measured);
      assert.equal((await onRelay("wg show wg0 listen-port")).trim(), "51820");
    });
  });

  describe("as a whole", () => {
    it("leaks no secret", () => leaks.end());
  });

  async function onRelay(script: string): Promise<string> {
    return (await lab.exec("relay", ["sh", "-c", script])).stdout;
  }

  /** Applies a config by hand, without a push. */
  async function useFile(node: string, file: string): Promise<void> {
    const script =
      "umask 077; mkdir /run/by-hand; cat >/run/by-hand/wg0.conf; wg-quick strip /run/by-hand/wg0.conf | wg syncconf wg0 /dev/stdin; rm -r /run/by-hand";
    const done = await lab.exec(node, ["sh", "-c", script], { input: file });
    assert.equal(done.code, 0, done.stderr);
  }

  /** The watcher ends at its next check when it is no longer needed. */
  async function assertNoWatcher(): Promise<void> {
    const runs = () => onRelay("pgrep -f '[h]ost.sh watch'");
    await poll(async () => ((await runs()) === "" ? true : undefined), {
      limitMs: 5_000,
      pauseMs: 10,
    });
    assert.equal(await runs(), "");
  }
});
