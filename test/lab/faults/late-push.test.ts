/** F20, F21: late and concurrent pushes: the newer state stays. Needs root. */
import * as assert from "node:assert/strict";
import { composeMessage } from "../../../scripts/push/host-script";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession, LIVE, newToken, uptimeNow, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, push, requestFor } from "../support/pushing";

describe("competing pushes to a host", function () {
  this.timeout(180_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const withMtu = (mtu: number): WantedState => ({
    config: configOf("relay", "10.0.0.1/24", [`MTU = ${mtu}`]),
    timeout: 10,
  });
  const [first, older, newer] = [withMtu(1310), withMtu(1320), withMtu(1330)];

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-late" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
  });
  beforeEach(async () => {
    await session.converge(first);
  });
  after(() => lab.down());

  const mtu = (): Promise<string> => session.run("cat /sys/class/net/wg0/mtu");

  it("F20: an orphan's push after a newer up changes nothing", async () => {
    // The orphan's login was ready before the newer up; its message arrives later.
    const since = await uptimeNow(session);
    await session.converge(newer);
    const before = await session.run(`cat ${LIVE}; wg showconf wg0; ls -A /run/wireguard-mesh/wg0`);
    const late = await session.apply(older, newToken(), since);
    assert.deepEqual([late.code, late.outcome], [0, "overtaken"], late.stderr);
    assert.equal(
      await session.run(`cat ${LIVE}; wg showconf wg0; ls -A /run/wireguard-mesh/wg0`),
      before,
    );
    assert.equal(await mtu(), "1330");
  });

  it("F20: an orphan's removal does not undo a newer up, nor does a late push undo a removal", async () => {
    const since = await uptimeNow(session);
    await session.converge(newer);
    assert.equal((await session.remove(since)).outcome, "overtaken");
    assert.equal(await mtu(), "1330");
    assert.equal((await session.remove(await uptimeNow(session))).outcome, "removed");
    assert.equal((await session.apply(older, newToken(), since)).outcome, "overtaken");
    assert.equal((await session.facts()).interface, "missing");
  });

  it("F20: an orphan that waited for the lock during a newer up changes nothing", async () => {
    const since = await uptimeNow(session);
    await session.run(
      'setsid flock /run/wireguard-mesh.lock/wg0 sh -c "until [ -e /tmp/go ]; do sleep 0.1; done" >/dev/null 2>&1 </dev/null &',
    );
    await session.waitUntil("! flock -n /run/wireguard-mesh.lock/wg0 true");
    const orphan = session.apply(older, newToken(), since);
    await session.waitUntil("pgrep -xf 'sh -s'");
    // The newer push records its time in the lock file, as its apply does.
    await session.run("tr -d . </proc/uptime | cut -d ' ' -f 1 >/run/wireguard-mesh.lock/wg0");
    await session.run("touch /tmp/go");
    assert.equal((await orphan).outcome, "overtaken");
    assert.equal(await mtu(), "1310");
    await session.run("rm /tmp/go");
  });

  it("F20: a newer up replaces an orphan's unconfirmed change, and the orphan's timer changes nothing", async () => {
    const orphan = await session.apply({ ...older, timeout: 3 });
    await session.waitUntil("[ -f /run/wireguard-mesh/wg0/result ]");
    assert.equal(await mtu(), "1320");
    await session.converge(newer);
    const late = await session.confirm(orphan.token);
    assert.match(late.complaint, /^the change was undone on the host before it was confirmed/);
    // Wait for longer than the orphan's timer, by the host's clock.
    const end = Number(await uptimeNow(session)) + 400;
    await session.waitUntil(`[ $(tr -d . </proc/uptime | cut -d ' ' -f 1) -gt ${end} ]`);
    assert.equal(await mtu(), "1330");
    assert.equal((await session.apply(newer)).outcome, "unchanged");
  });

  it("F9: is not confirmed by a login that was ready before the change, unless the operator answers after it", async () => {
    const before = await mtu();
    const since = await uptimeNow(session);
    const { token } = await session.apply({ ...older, timeout: 8 });
    const unanswered = await session.confirm(token, since);
    assert.match(unanswered.stdout, /^carried-out$/m);
    assert.equal(unanswered.outcome, undefined);
    assert.match(unanswered.complaint, /^the connection broke after the change/);
    await session.waitUntil(`grep -q ${token} /run/wireguard-mesh/wg0/rolled-back`);
    assert.equal(await mtu(), before);
  });

  it("F20: a push that fails after taking over leaves the previous change's rollback timer running", async () => {
    await session.apply({ ...older, timeout: 6 });
    await session.waitUntil("[ -f /run/wireguard-mesh/wg0/result ]");
    // The newer push takes over and fails before it changes anything.
    const damaged = await session.apply({
      ...newer,
      timeout: 3,
      overrides: { sha256: "0".repeat(64) },
    });
    assert.match(damaged.complaint, /^the message was damaged/);
    await session.waitUntil('[ "$(cat /sys/class/net/wg0/mtu)" = 1310 ]');
    await session.waitUntil("[ ! -e /run/wireguard-mesh/wg0/pending ]");
    assert.equal((await session.apply(first)).outcome, "unchanged");
  });

  it("F20: a truncated message changes nothing", async () => {
    const marks = { interface: "wg0", node: "relay", machine: "machine-of-relay", owner: "x/y" };
    const message = composeMessage("apply", marks, session.payload(newer, newToken()));
    for (const part of [0.3, 0.9, 0.99]) {
      const input = message.slice(0, Math.floor(message.length * part));
      const cut = await lab.exec("relay", ["sh", "-s"], { input });
      assert.equal(cut.stdout, "");
    }
    assert.equal((await session.apply(first)).outcome, "unchanged");
  });

  it("F21: with two operators at once both end, one complete state is live, and at least one succeeds", async () => {
    const [a, b] = [older, newer].map(({ config }, at) =>
      requestFor(lab, "relay", { config, probes: [`10.0.0.${at + 8}`] }),
    );
    assert.ok(a && b);
    // Two pushes with different requests do not share a lock on the operator's machine.
    const finished = await Promise.all([push(lab, "apply", a), push(lab, "apply", b)]);
    const live = await session.run(`cat ${LIVE}`);
    const done = finished.flatMap(({ code }, at) => (code === 0 ? [at] : []));
    assert.ok(done.length > 0, finished.map(({ stderr }) => stderr).join("\n"));
    assert.ok([a, b].some(({ config }) => config.trimEnd() === live));
    const last = a.config.trimEnd() === live ? a : b;
    const again = await push(lab, "apply", last);
    assert.match(again.stdout, /"unchanged"/, again.stderr);
  });

  it("F21: refuses another stack because of the recorded owner", async () => {
    const refused = await session.apply({ ...newer, owner: "wireguard-mesh/other" });
    assert.match(
      refused.complaint,
      /belongs to another: wireguard-mesh\/test-f-late relay; .*\n.*release/,
    );
    assert.equal(await mtu(), "1310");
  });

  it("leaks no secret", () => leaks.end());
});
