/** Upgrading from commit 1dad003: pushes to a host with the files of that version. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import { HostSession, STATE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { recreateHostFiles } from "../support/older-stack";
import { configOf } from "../support/pushing";

describe("a host with files of an older version", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const wanted: WantedState = { config: configOf("relay", "10.0.0.1/24"), forwarding: true };
  const next: WantedState = { ...wanted, config: configOf("relay", "10.0.0.1/24", ["MTU = 1300"]) };

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-older" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
  });
  beforeEach(recreate);
  after(() => lab.down());

  async function recreate(): Promise<void> {
    await session.remove();
    const marks = { owner: `wireguard-mesh/${lab.id}`, node: "relay", machine: "machine-of-relay" };
    const state = { config: wanted.config, forwarding: { ipv4: true, ipv6: false }, probes: [] };
    const request = { ...marks, interface: "wg0", ...state };
    await recreateHostFiles(lab, "relay", request, String(session.payload(wanted, "")["digest"]));
  }

  it("is not changed when it is already in the wanted state", async () => {
    assert.equal((await session.apply(wanted)).outcome, "unchanged");
  });

  it("is changed without a restart and gets the files of this version", async () => {
    const link = await session.run("cat /sys/class/net/wg0/ifindex");
    assert.equal(await session.converge(next), "confirmed");
    assert.equal(await session.run("cat /sys/class/net/wg0/ifindex"), link);
    assert.equal(await session.run(`cat ${STATE}/format`), "2");
    assert.equal((await session.apply(next)).outcome, "unchanged");
  });

  it("rolls back to the config that the older version confirmed", async () => {
    const { token } = await session.apply({ ...next, timeout: 1 });
    await session.waitUntil(`[ "$(cat /run/wireguard-mesh/wg0/rolled-back)" = ${token} ]`);
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    assert.equal((await session.apply(wanted)).outcome, "unchanged");
  });

  it("is taken over in the middle of a change of the older version", async () => {
    await session.run(
      "echo 0123abcd >/run/wireguard-mesh/wg0/pending; ip link set mtu 1280 dev wg0",
    );
    assert.equal(await session.converge(wanted), "confirmed");
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    assert.equal((await session.facts()).pending, null);
  });

  it("is cleaned completely", async () => {
    assert.equal((await session.remove()).outcome, "removed");
    const places = "/etc/wireguard /var/lib/wireguard-mesh /etc/sysctl.d /run/wireguard-mesh";
    assert.equal(await session.run(`find ${places} -name '*wg0*' 2>/dev/null || true`), "");
    assert.equal(await session.run("cat /proc/sys/net/ipv4/ip_forward"), "0");
  });

  it("refuses a push when a newer version pushed to it, and changes nothing", async () => {
    await session.run(`echo 99 >${STATE}/format`);
    const refused = await session.apply(next);
    assert.match(refused.complaint, /^this host was last pushed to by a newer wireguard-mesh/);
    assert.equal(await session.run("cat /sys/class/net/wg0/mtu"), "1420");
    await session.run(`rm ${STATE}/format`);
  });

  it("leaks no secret", () => leaks.end());
});
