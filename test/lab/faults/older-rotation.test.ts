/** Upgrading in the middle of a rotation: hosts of commit 5c9eafb with a watcher and a second interface. Needs root. */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import { Lab } from "../../../scripts/lab/lab";
import type { LeakWatch } from "../support/leak-watch";
import { olderPush } from "../support/older-push";
import { assertShort, pingGapsDuring, type Direction } from "../support/ping-gaps";
import {
  PORT,
  pushed,
  RotatingNetwork,
  ROTATING_WORLD,
  ROTATION_INTERFACE,
  ROTATION_PORT,
} from "../support/rotating";
import { canPingSoon } from "../support/small-world";

const DIRECTIONS: Direction[] = [
  ["laptop", "10.0.0.2"],
  ["desktop", "10.0.0.3"],
  ["laptop", "10.0.0.1"],
];
const WATCHERS = "pgrep -f '[h]ost.sh watch' | wc -l";

describe("a relay's rotation that an older version finished, but for its second interface with the same key", function () {
  this.timeout(240_000);
  let lab: Lab;
  let net: RotatingNetwork;
  let leaks: LeakWatch;

  const on = async (node: string, script: string): Promise<string> =>
    (await lab.exec(node, ["sh", "-c", script])).stdout.trim();

  before(async () => {
    lab = await Lab.up(ROTATING_WORLD, { id: "test-f-older-twins" });
    net = new RotatingNetwork(lab);
    leaks = await net.watchLeaks();
    const { config, ...rest } = net.relay();
    const twin = config
      .replace(/^Address = .*\n/m, "")
      .replace(`ListenPort = ${PORT}`, `ListenPort = ${ROTATION_PORT}\nTable = off`);
    const alternate = { interface: ROTATION_INTERFACE, config: twin };
    const rotation = { pairs: [], alternate, mustShake: [] };
    await olderPush(lab, { ...rest, config, rotation });
    for (const node of ["desktop", "laptop"]) {
      await olderPush(lab, net.peer(node));
      // As after roaming: the peer has a session with the second interface.
      const { publicKey } = net.relayAccess.key;
      const roam = `wg showconf wg0 | sed 's/:${PORT}$/:${ROTATION_PORT}/' >/run/wg0; wg set wg0 peer ${publicKey} remove; wg setconf wg0 /run/wg0; rm /run/wg0`;
      await on(node, roam);
    }
    for (const [from, to] of DIRECTIONS) assert.ok(await canPingSoon(lab, from, to));
    const led = async () =>
      (await on("relay", "ip route show table 5182")).split("\n").length === 2 ? true : undefined;
    assert.ok(await poll(led, { limitMs: 150_000, pauseMs: 200 }), "the peers did not move there");
  });
  after(() => lab.down());

  it("is completed without a gap: the peers go back to the relay's port, then the second interface is removed", async () => {
    const fixedPorts = [net.relayAccess.key.publicKey];
    const gaps = await pingGapsDuring(lab, DIRECTIONS, async () => {
      assert.equal(await pushed(lab, net.relay(), leaks), "applied");
      assert.notEqual(await on("relay", `ls -d /sys/class/net/${ROTATION_INTERFACE}`), "");
      for (const node of ["desktop", "laptop"]) {
        assert.equal(await pushed(lab, { ...net.peer(node), fixedPorts }, leaks), "applied");
      }
      assert.equal(await pushed(lab, net.relay(), leaks), "applied");
    });
    assertShort(gaps);
    const left = `ip rule show pref 5182; ip route show table 5182; ls -d /sys/class/net/${ROTATION_INTERFACE}; find /etc/wireguard -name '${ROTATION_INTERFACE}*'`;
    assert.equal(await on("relay", `${left} 2>/dev/null`), "");
    assert.match(await on("desktop", "wg show wg0 endpoints"), /:51820$/);
  });

  it("leaks no secret", () => leaks.end());
});

describe("a rotation that an older version began", function () {
  this.timeout(240_000);
  let lab: Lab;
  let net: RotatingNetwork;
  let leaks: LeakWatch;

  before(async () => {
    lab = await Lab.up(ROTATING_WORLD, { id: "test-f-older-rotation" });
    net = new RotatingNetwork(lab);
    leaks = await net.watchLeaks();
    await olderPush(lab, net.relay());
    for (const node of ["desktop", "laptop"]) await olderPush(lab, net.peer(node));
    assert.ok(await canPingSoon(lab, "laptop", "10.0.0.2"));
    // A peer with two keys, a relay with two interfaces, and one peer that has moved to both.
    net.stage("desktop");
    net.stage("relay");
    await olderPush(lab, net.relay());
    await olderPush(lab, net.peer("desktop"));
    assert.ok(await canPingSoon(lab, "laptop", "10.0.0.2"));
  });
  after(() => lab.down());

  const on = async (node: string, script: string): Promise<string> =>
    (await lab.exec(node, ["sh", "-c", script])).stdout.trim();
  const links = (): Promise<string> =>
    on("relay", `cat /sys/class/net/wg0/ifindex /sys/class/net/${ROTATION_INTERFACE}/ifindex`);

  /** Polls, because the former watcher ends only at its next check, and a running one has subshells now and then. */
  async function assertWatchers(count: string): Promise<void> {
    const has = async () => ((await on("relay", WATCHERS)) === count ? true : undefined);
    assert.ok(await poll(has, { limitMs: 10_000, pauseMs: 20 }), await on("relay", WATCHERS));
  }

  async function assertWorks(): Promise<void> {
    for (const [from, to] of DIRECTIONS)
      assert.ok(await canPingSoon(lab, from, to), `${from} > ${to}`);
  }

  it("is taken over on every host without a lost packet: interfaces stay, and the watcher is this version's", async () => {
    const before = await links();
    const gaps = await pingGapsDuring(lab, DIRECTIONS, async () => {
      assert.equal(await pushed(lab, net.relay(), leaks), "applied");
      assert.equal(await pushed(lab, net.peer("desktop"), leaks), "applied");
    });
    for (const { lost } of gaps) assert.equal(lost, 0);
    assert.equal(await links(), before);
    await assertWatchers("1");
    assert.match(await on("relay", "ip rule show pref 5182"), /lookup 5182/);
    assert.equal(await pushed(lab, net.relay(), leaks), "unchanged");
  });

  it("goes on: the other peer moves, and the rotation is finished without a remainder", async () => {
    const gaps = await pingGapsDuring(lab, DIRECTIONS, async () => {
      await pushed(lab, net.peer("laptop"), leaks);
      net.finish("desktop");
      net.finish("relay");
      await pushed(lab, net.relay(), leaks);
      for (const node of ["desktop", "laptop"]) await pushed(lab, net.peer(node), leaks);
    });
    assertShort(gaps);
    await assertWorks();
    const left = `ip rule show pref 5182; ip route show table 5182; ls -d /sys/class/net/${ROTATION_INTERFACE}; find /etc/wireguard -name '${ROTATION_INTERFACE}*'`;
    assert.equal(await on("relay", `${left} 2>/dev/null`), "");
    await assertWatchers("0");
  });

  it("leaks no secret", () => leaks.end());
});
