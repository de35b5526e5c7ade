/** A key rotation that is killed halfway: every tunnel works again, and the next push converges. Needs root. */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import { poll } from "../../scripts/poll";
import { Lab } from "../../scripts/lab/lab";
import type { PushRequest } from "../../mesh/push-request";
import type { LeakWatch } from "./support/leak-watch";
import { startPush } from "./support/pushing";
import { pushed, RotatingNetwork, ROTATING_WORLD, ROTATION_INTERFACE } from "./support/rotating";
import { canPingSoon } from "./support/small-world";

/** The host undoes a change that is not confirmed within 45 s, and at once one whose supervisor was killed. */
const UNDONE_MS = 75_000;

describe("a key rotation that is killed", function () {
  this.timeout(240_000);
  let lab: Lab;
  let net: RotatingNetwork;
  let leaks: LeakWatch;

  before(async () => {
    lab = await Lab.up(ROTATING_WORLD, { id: "test-rotate-killed" });
    net = new RotatingNetwork(lab);
    leaks = await net.watchLeaks();
    for (const request of [net.relay(), net.peer("desktop"), net.peer("laptop")]) {
      await pushed(lab, request, leaks);
    }
  });
  after(() => lab.down());

  const shown = async (node: string, script: string): Promise<string> =>
    (await lab.exec(node, ["sh", "-c", script])).stdout.trim();

  /** Starts a push and kills it, or its process on the host, as soon as a script on the host succeeds. */
  async function killed(request: PushRequest, what: "push" | "supervisor", mark: string) {
    // The script runs on the host, because polling from outside is too slow.
    const kill = what === "push" ? "" : "; pkill -KILL -f '[h]ost.sh supervise'";
    const script = `until ${mark} >/dev/null 2>&1; do sleep 0.02; done${kill}`;
    const seen = lab.exec(request.node, ["sh", "-c", script], { timeoutMs: 60_000 });
    const push = startPush(lab, request);
    const ended = once(push, "exit");
    const { code } = await seen;
    push.kill("SIGKILL");
    await ended;
    assert.equal(code, 0, `never seen, or over before it was killed: ${mark}`);
  }

  async function undone(node: string): Promise<void> {
    const pending = "cat /run/wireguard-mesh/wg0/pending";
    const back = async () => ((await shown(node, pending)) === "" ? true : undefined);
    assert.equal(
      await poll(back, { limitMs: UNDONE_MS, pauseMs: 500 }),
      true,
      `${node} did not roll back`,
    );
  }

  async function assertAllWork(): Promise<void> {
    for (const [from, to] of [
      ["desktop", "10.0.0.1"],
      ["laptop", "10.0.0.2"],
      ["desktop", "10.0.0.3"],
      ["relay", "10.0.0.2"],
    ] as const) {
      assert.equal(await canPingSoon(lab, from, to, 60_000), true, `${from} > ${to}`);
    }
  }

  const hasPeer = (key: string) => `wg show wg0 peers | grep -F ${key}`;

  it("on the relay, when it has a peer's next key: the relay rolls back, and the next push applies it", async () => {
    const next = net.stage("desktop").publicKey;
    await killed(net.relay(), "supervisor", hasPeer(next));
    await assertAllWork();
    await undone("relay");
    assert.equal(await shown("relay", hasPeer(next)), "");
    const ended = async () =>
      (await shown("relay", "pgrep -f '[h]ost.sh watch'")) === "" ? true : undefined;
    assert.ok(await poll(ended, { limitMs: 10_000, pauseMs: 20 }), "the watcher still runs");
    await assertAllWork();
    assert.equal(await pushed(lab, net.relay(), leaks), "applied");
  });

  it("on the peer, when it has its new key: the relay accepts both keys", async () => {
    const next = net.nodeKeys("desktop").next?.publicKey ?? "";
    const hasIt = `wg show wg0 public-key | grep -F ${next}`;
    await killed(net.peer("desktop"), "push", hasIt);
    await assertAllWork();
    await undone("desktop");
    assert.equal(await shown("desktop", hasIt), "");
    await assertAllWork();
    assert.equal(await pushed(lab, net.peer("desktop"), leaks), "applied");
    await assertAllWork();
    net.finish("desktop");
    await pushed(lab, net.relay(), leaks);
    await assertAllWork();
  });

  it("on the relay, when its rotation interface exists: the interface is removed", async () => {
    net.stage("relay");
    await killed(net.relay(), "supervisor", `ls -d /sys/class/net/${ROTATION_INTERFACE}`);
    await assertAllWork();
    await undone("relay");
    assert.equal(
      await shown("relay", `ls -d /sys/class/net/${ROTATION_INTERFACE}; ip rule show pref 5182`),
      "",
    );
    await assertAllWork();
    assert.equal(await pushed(lab, net.relay(), leaks), "applied");
  });

  it("on the peers, when they try the relay's new key and when they have moved to it", async () => {
    const next = net.relayAccess.key.publicKey;
    await killed(net.peer("desktop"), "supervisor", hasPeer(next));
    await killed(
      net.peer("laptop"),
      "push",
      `wg show wg0 allowed-ips | grep -F ${next} | grep /24`,
    );
    await Promise.all([undone("desktop"), undone("laptop")]);
    for (const node of ["desktop", "laptop"]) assert.equal(await shown(node, hasPeer(next)), "");
    await assertAllWork();
    for (const node of ["desktop", "laptop"]) {
      assert.equal(await pushed(lab, net.peer(node), leaks), "applied");
    }
    await assertAllWork();
  });

  it("during --finish, at once and when the peers have followed: the next push converges", async () => {
    net.finish("relay");
    const current = net.relayAccess.key.publicKey;
    await killed(net.relay(), "supervisor", `wg show wg0 public-key | grep -F ${current}`);
    await assertAllWork();
    await undone("relay");
    await assertAllWork();
    // When its peers have the new key, and nothing confirms the push.
    await killed(net.relay(), "push", "[ -e /run/wireguard-mesh/wg0/change/applied ]");
    await assertAllWork();
    await undone("relay");
    assert.equal(await shown("relay", "wg show wg0 listen-port"), "51820");
    await assertAllWork();
    assert.equal(await pushed(lab, net.relay(), leaks), "applied");
    await assertAllWork();
    assert.equal(await shown("relay", "wg show wg0 listen-port"), "51821");
    for (const node of ["desktop", "laptop"]) await pushed(lab, net.peer(node), leaks);
    await assertAllWork();
    assert.match(await shown("desktop", "wg show wg0 endpoints"), /:51821$/);
  });

  it("restarts a killed watcher with the next push", async () => {
    net.stage("desktop");
    await pushed(lab, net.relay(), leaks);
    await shown("relay", "pkill -KILL -f '[h]ost.sh watch'");
    assert.equal(await pushed(lab, net.relay(), leaks), "applied");
    assert.notEqual(await shown("relay", "pgrep -f '[h]ost.sh watch'"), "");
  });

  it("leaks no secret", () => leaks.end());
});
