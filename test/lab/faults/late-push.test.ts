/** F20, F21: late and concurrent pushes: the newer state stays. Needs root. */
import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { hostCall } from "../../../scripts/push/host-program";
import { Lab } from "../../../scripts/lab/lab";
import {
  APPLIED,
  HostSession,
  lastChangeOn,
  LIVE,
  LOCK,
  newToken,
  RUN,
  type WantedState,
} from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, push, requestFor } from "../support/pushing";

/** More than an orphan's change may wait for its confirmation. */
const LONGER_MS = 9000;

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
    const since = await lastChangeOn(session);
    await session.converge(newer);
    const shown = `cat ${LIVE}; wg showconf wg0; ls -A ${RUN}`;
    const before = await session.run(shown);
    const late = await session.apply(older, newToken(), since);
    assert.deepEqual([late.code, late.outcome], [0, "overtaken"], late.stderr);
    assert.equal(await session.run(shown), before);
    assert.equal(await mtu(), "1330");
  });

  it("F20: an orphan's removal does not undo a newer up, nor does a late push undo a removal", async () => {
    const since = await lastChangeOn(session);
    await session.converge(newer);
    assert.equal((await session.remove(since)).outcome, "overtaken");
    assert.equal(await mtu(), "1330");
    assert.equal((await session.remove(await lastChangeOn(session))).outcome, "removed");
    assert.equal((await session.apply(older, newToken(), since)).outcome, "overtaken");
    assert.equal((await session.observe()).network.links.has("wg0"), false);
  });

  it("F20: an orphan that waited for the lock during a newer up changes nothing", async () => {
    const since = await lastChangeOn(session);
    await session.run(
      `setsid flock ${LOCK} sh -c "until [ -e /tmp/go ]; do sleep 0.1; done" >/dev/null 2>&1 </dev/null &`,
    );
    await session.waitUntil(`! flock -n ${LOCK} true`);
    const orphan = session.apply(older, newToken(), since);
    await session.waitUntil("pgrep -xf 'sh -s'");
    // The newer push records its token in the lock file, as its change does.
    await session.run(`echo ${newToken()} >${LOCK}`);
    await session.run("touch /tmp/go");
    assert.equal((await orphan).outcome, "overtaken");
    assert.equal(await mtu(), "1310");
    await session.run("rm /tmp/go");
  });

  it("F20: a newer up replaces an orphan's unconfirmed change, and the orphan's timer changes nothing", async () => {
    const orphan = await session.apply({ ...older, timeout: LONGER_MS / 1000 - 1 });
    await session.waitUntil(`[ -e ${APPLIED} ]`);
    assert.equal(await mtu(), "1320");
    await session.converge(newer);
    const late = await session.confirm(orphan.token);
    assert.match(late.complaint, /^the change .*was undone/);
    await sleep(LONGER_MS);
    assert.equal(await mtu(), "1330");
    assert.equal((await session.apply(newer)).outcome, "unchanged");
  });

  it("F9: are not confirmed by a login alone, only by the operator's answer after it has observed the change", async () => {
    const before = await mtu();
    const { token } = await session.apply({ ...older, timeout: 8 });
    await session.waitUntil(`[ -e ${APPLIED} ]`);
    const unanswered = await session.confirm(token, "nothing");
    assert.equal(unanswered.observed?.pending?.token, token);
    assert.equal(unanswered.outcome, undefined);
    await session.waitUntilUndone(token);
    assert.equal(await mtu(), before);
  });

  it("F20: a push that fails after taking over leaves the confirmed state and no change that waits", async () => {
    await session.apply({ ...older, timeout: 6 });
    await session.waitUntil(`[ -e ${APPLIED} ]`);
    // The newer push takes over and fails before it changes anything.
    const damaged = await session.apply({
      ...{ ...newer, timeout: 3 },
      damage: (message) => message.replace("MTU = 1330", "MTU = 1331"),
    });
    assert.match(damaged.complaint, /^the change was damaged on its way/);
    await session.waitUntil('[ "$(cat /sys/class/net/wg0/mtu)" = 1310 ]');
    await session.waitUntil(`[ ! -e ${RUN}/pending ]`);
    assert.equal((await session.apply(first)).outcome, "unchanged");
  });

  it("F20: a truncated program or change does nothing", async () => {
    const before = await session.snapshot();
    const program = hostCall("push", "wg0", newToken(), ["-"]);
    for (const part of [0.3, 0.9, 0.99]) {
      const input = program.slice(0, Math.floor(program.length * part));
      assert.equal((await lab.exec("relay", ["sh", "-s"], { input })).stdout, "");
    }
    for (const part of [0, 0.01, 0.3, 0.9, 0.999]) {
      const damage = (message: string): string =>
        message.slice(0, Math.floor(message.length * part));
      const { outcome } = await session.apply({ ...newer, damage });
      assert.equal(outcome, undefined, `${part} of the change`);
    }
    assert.equal(await session.snapshot(), before);
    assert.equal((await session.apply(first)).outcome, "unchanged");
  });

  it("F21: of two operators both end, at least one succeeds, and one complete state is live", async () => {
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
      /belongs to relay of stack wireguard-mesh\/test-f-late; .*\n.*release/,
    );
    assert.equal(await mtu(), "1310");
  });

  it("leaks no secret", () => leaks.end());
});
