/** Upgrading: pushes to hosts that commits 1dad003 (format 1) and 5c9eafb (format 2) have pushed to. Needs root. */
import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab } from "../../../scripts/lab/lab";
import { digestOf } from "../../../scripts/push/wanted-state";
import { HostSession, LIVE, RUN, STATE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { olderApply, olderPush } from "../support/older-push";
import { recreateHostFiles } from "../support/older-stack";
import { configOf, keyPairFor } from "../support/pushing";

const PEER = ["", "[Peer]", `PublicKey = ${keyPairFor("nas").publicKey}`];
const PREFIXES = "AllowedIPs = 10.0.0.5/32, 192.168.10.0/24";

describe("a host with files of an older version", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const configWith = (...lines: string[]): string =>
    configOf("relay", "10.0.0.1/24", [...lines, ...PEER, PREFIXES]);
  const wanted: WantedState = { config: configWith(), forwarding: true };
  const next: WantedState = { ...wanted, config: configWith("MTU = 1300") };

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-older" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
  });
  beforeEach(async () => {
    await session.remove();
    await session.run(`rm -rf ${RUN} ${STATE}`);
  });
  after(() => lab.down());

  /** As of 1dad003. */
  async function recreate(): Promise<void> {
    const request = session.request(wanted);
    await recreateHostFiles(lab, "relay", request, digestOf(request));
  }

  const push = (): Promise<void> => olderPush(lab, session.request(wanted));
  const link = (): Promise<string> => session.run("cat /sys/class/net/wg0/ifindex");
  const mtu = (): Promise<string> => session.run("cat /sys/class/net/wg0/mtu");

  for (const [version, prepare] of [
    ["1dad003", recreate],
    ["5c9eafb", push],
  ] as const) {
    describe(version, () => {
      beforeEach(prepare);

      it("is taken over without a step on the running system when it is in the wanted state", async () => {
        const before = await link();
        const plan = await session.plan(wanted);
        assert.ok(plan.kind === "change", plan.kind);
        assert.deepEqual(plan.change.apply, []);
        assert.equal(await session.converge(wanted), "confirmed");
        assert.equal(await link(), before);
        assert.equal((await session.apply(wanted)).outcome, "unchanged");
        assert.deepEqual((await session.record()).switchedOn, { ipv4: true, ipv6: false });
      });

      it("is changed without a restart and gets the files of this version", async () => {
        const before = await link();
        assert.equal(await session.converge(next), "confirmed");
        assert.equal(await link(), before);
        // An older version that reads this file leaves the host alone.
        assert.equal(await session.run(`cat ${STATE}/format`), "3");
        const files = await session.run(`ls ${STATE}`);
        assert.deepEqual(files.split("\n"), [
          "confirmed",
          "format",
          "generations",
          "host.sh",
          "owner",
        ]);
        assert.equal((await session.apply(next)).outcome, "unchanged");
      });

      it("is undone to the state that the older version confirmed", async () => {
        const before = await session.snapshot();
        const { token } = await session.apply({ ...next, timeout: 1 });
        await session.waitUntilUndone(token);
        assert.equal(await session.snapshot(), before);
        assert.equal(await session.converge(wanted), "confirmed");
      });

      it("is cleaned completely, its forwarding too", async () => {
        assert.equal((await session.remove()).outcome, "removed");
        const places = "/etc/wireguard /var/lib/wireguard-mesh /etc/sysctl.d /run/wireguard-mesh";
        assert.equal(await session.run(`find ${places} -name '*wg0*' 2>/dev/null || true`), "");
        assert.equal(await session.run("cat /proc/sys/net/ipv4/ip_forward"), "0");
      });

      it("refuses a push when a newer version pushed to it, and changes nothing", async () => {
        await session.run(`echo 99 >${STATE}/format`);
        const before = await session.snapshot();
        const refused = await session.apply(next);
        assert.match(refused.complaint, /^this host was last pushed to by a newer wireguard-mesh/);
        assert.equal(await session.snapshot(), before);
      });
    });
  }

  it("is taken over in the middle of a change of 1dad003", async () => {
    await recreate();
    await session.run(`echo 0123abcd >${RUN}/pending; ip link set mtu 1280 dev wg0`);
    assert.equal(await session.converge(wanted), "confirmed");
    assert.equal(await mtu(), "1420");
    assert.equal((await session.observe()).pending, null);
  });

  it("is taken over in the middle of a change of 5c9eafb, and its timer changes nothing later", async () => {
    await push();
    const before = await link();
    const token = await olderApply(lab, session.request(next), 6);
    await session.waitUntil("[ $(cat /sys/class/net/wg0/mtu) = 1300 ]");
    const sleeper = `[ -n "$(pgrep -f '[r]ollback.* wg0 ${token}')" ]`;
    await session.run(sleeper);
    const newer = { ...wanted, config: configWith("MTU = 1340") };
    assert.equal(await session.converge(newer), "confirmed");
    await sleep(8000);
    await session.waitUntil(`! ${sleeper}`);
    assert.deepEqual([await mtu(), await link()], ["1340", before]);
    assert.equal((await session.apply(newer)).outcome, "unchanged");
  });

  it("undoes an unconfirmed change of 5c9eafb by that version's own timer if no push comes", async () => {
    await push();
    const token = await olderApply(lab, session.request(next), 2);
    await session.waitUntilUndone(token);
    assert.equal(await mtu(), "1420");
    assert.equal(await session.converge(wanted), "confirmed");
  });

  it("has the commands that messages of an older version print: release and remove", async () => {
    await push();
    await session.converge(wanted);
    const other = { ...wanted, owner: "wireguard-mesh/other" };
    const refused = await session.apply(other);
    const remedy = /sudo (sh \/var\/lib\/\S+ release wg0)/.exec(refused.complaint)?.[1] ?? "";
    await session.run(remedy);
    assert.equal(await session.converge(other), "confirmed");
    await session.run(`sh ${STATE}/host.sh remove wg0`);
    assert.equal(
      await session.run(`ls -d ${STATE} ${LIVE} /sys/class/net/wg0 2>/dev/null || true`),
      "",
    );
  });

  it("leaks no secret", () => leaks.end());
});
