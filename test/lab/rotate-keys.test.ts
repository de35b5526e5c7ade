/** Keys change under traffic, pushed host by host: silence, who is locked out (nobody), and who was away. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../scripts/lab/lab";
import { waitFor } from "../../scripts/lab/process";
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

/** Through the relay to and from the desktop, and the laptop's own tunnel to the relay. */
const OWN: Direction[] = [
  ["laptop", "10.0.0.2"],
  ["desktop", "10.0.0.3"],
];
const OTHER: Direction[] = [
  ["laptop", "10.0.0.1"],
  ["relay", "10.0.0.3"],
];

describe("keys that change under traffic", function () {
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

  describe("a peer's, whose only way in is the tunnel", () => {
    it("are both known to the relay; the peer's silence is short, and others lose nothing", async () => {
      net.stage("desktop");
      const measured = await gaps("peer's key", async () => {
        await pushed(lab, net.relay(), leaks);
        await pushed(lab, viaTunnel(), leaks);
      });
      assertShort(measured);
      assert.deepEqual(lossOf(measured, OTHER), [0, 0]);
    });

    it("are nothing new to the relay that is told the same again, though prefixes have moved", async () => {
      const measured = await gaps("the same again", async () => {
        assert.equal(await pushed(lab, net.relay(), leaks), "unchanged");
        const anew = { ...net.relay(), probes: ["10.0.0.2"] };
        await pushed(lab, { ...anew, config: `${anew.config}\n` }, leaks);
      });
      assert.deepEqual(lossOf(measured, [...OWN, ...OTHER]), [0, 0, 0, 0]);
    });

    it("F22: serve the old key of who comes back with it, and the new one again", async () => {
      const { current } = net.nodeKeys("desktop");
      await useFile("desktop", net.fileOf("desktop", net.relayAccess, current));
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
      await useFile("desktop", net.fileOf("desktop"));
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
    });

    it("are one when it is finished: nothing is lost, and the old one is refused", async () => {
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

  describe("the relay's", () => {
    it("are not moved to by a peer when the rotation port is closed, and it loses nothing by trying", async () => {
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

    it("leave no tunnel silent for long as each peer moves, nor lock out who is reached through it", async () => {
      await lab.disconnect("laptop");
      await pushed(lab, viaTunnel(), leaks);
      await lab.reconnect("laptop");
      // It was away: it works with the old key, and the next push finishes the job.
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
      const measured = await gaps("relay's key", async () => {
        await pushed(lab, net.relay(), leaks);
        await pushed(lab, net.peer("laptop"), leaks);
      });
      assertShort(measured);
    });

    it("serve a phone with the old config, and one that is given the new one", async () => {
      await net.configureByHand("late");
      for (const phone of ["early", "late"]) {
        assert.equal(await canPingSoon(lab, phone, "10.0.0.2"), true, phone);
        assert.equal(await canPingSoon(lab, "desktop", ADDRESSES[phone] ?? ""), true, phone);
      }
    });

    it("outlive a reboot of the relay", async () => {
      await lab.reboot("relay");
      // As its units do where there is systemd: sysctl, the first interface, the watcher, which brings up the second.
      await onRelay("sysctl -p /etc/sysctl.d/60-wireguard-mesh-wg0.conf");
      await onRelay(
        `(${wgQuick("up")}; setsid sh /var/lib/wireguard-mesh/wg0/host.sh watch wg0 &) >/dev/null 2>&1`,
      );
      // Who has lost a session without a sign begins anew 15 s after it last spoke in vain (WireGuard's own limits).
      for (const node of ["laptop", "desktop", "early", "late"]) {
        const reached = async () => ((await canPing(lab, node, "10.0.0.1")) ? true : undefined);
        assert.equal(await waitFor(reached, 60_000), true, node);
      }
      assert.equal(await canPingSoon(lab, "laptop", "10.0.0.2"), true);
    });

    it("are one when it is finished, and no tunnel is silent for long", async () => {
      net.finish("relay");
      const measured = await gaps("relay's finish", async () => {
        await pushed(lab, net.relay(), leaks);
        await pushed(lab, viaTunnel(), leaks);
        await pushed(lab, net.peer("laptop"), leaks);
      });
      assertShort(measured);
    });

    it("go on serving the phone that was configured in between, and no more the one with the old config", async () => {
      assert.equal(await canPingSoon(lab, "late", "10.0.0.2"), true);
      assert.equal(await canPing(lab, "early", "10.0.0.1"), false);
    });

    it("leave nothing behind when the rotation port goes, and nothing is lost", async () => {
      net.rotationKey = null;
      const measured = await gaps("rotation port goes", async () => {
        await pushed(lab, net.relay(), leaks);
      });
      assert.deepEqual(lossOf(measured, [...OWN, ...OTHER]), [0, 0, 0, 0]);
      const left = `ip rule show pref 5182; ls -d /sys/class/net/${ROTATION_INTERFACE}; find /etc/wireguard -name '${ROTATION_INTERFACE}*'`;
      assert.equal(await onRelay(left), "");
      await assertNoWatcher();
    });
  });

  describe("in all of this", () => {
    it("leaks no secret", () => leaks.end());
  });

  async function onRelay(script: string): Promise<string> {
    return (await lab.exec("relay", ["sh", "-c", script])).stdout;
  }

  /** As by hand: no push knows of it. */
  async function useFile(node: string, file: string): Promise<void> {
    const script =
      "umask 077; mkdir /run/by-hand; cat >/run/by-hand/wg0.conf; wg-quick strip /run/by-hand/wg0.conf | wg syncconf wg0 /dev/stdin; rm -r /run/by-hand";
    const done = await lab.exec(node, ["sh", "-c", script], { input: file });
    assert.equal(done.code, 0, done.stderr);
  }

  /** It sees within one look that it is not wanted any more. */
  async function assertNoWatcher(): Promise<void> {
    const runs = () => onRelay("pgrep -f '[h]ost.sh watch'");
    await waitFor(async () => ((await runs()) === "" ? true : undefined), 5_000);
    assert.equal(await runs(), "");
  }
});
