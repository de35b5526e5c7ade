/** A systemd whose bus hangs: a push gives up within its time limits, reports what was not done, and frees the lock. Needs root. */
import * as assert from "node:assert/strict";
import { assertWithin } from "../../support/time-limits";
import { APPLIED, LIVE, LOCK } from "../support/host-protocol";
import { WorkingNetwork } from "../support/working-network";

/** Stand-ins: a lab's host has no systemd. */
const HANG = "#!/bin/sh\ntrap '' TERM\nexec sleep 1000\n";
const WORK = `#!/bin/sh
case $* in
  *enable*) mkdir -p /etc/systemd/system/multi-user.target.wants; ln -sf /lib/systemd/system/wg-quick@.service /etc/systemd/system/multi-user.target.wants/wg-quick@wg0.service ;;
esac
`;

describe("a host whose systemctl hangs", function () {
  this.timeout(240_000);
  let net: WorkingNetwork;
  before(async () => {
    net = await WorkingNetwork.up("test-f-systemctl");
    await net.relay.run("mkdir -p /run/systemd/system");
    await standIn("systemd-run", HANG);
    await standIn("systemctl", HANG);
  });
  after(() => net.lab.down());

  async function standIn(name: string, input: string): Promise<void> {
    const script = `cat >/usr/local/bin/${name}; chmod 755 /usr/local/bin/${name}`;
    assert.equal((await net.lab.exec("relay", ["sh", "-c", script], { input })).code, 0);
  }

  const unlocked = `flock -n ${LOCK} true`;

  it("is pushed to, with a note that the interface is not enabled", async () => {
    const wanted = net.relayState({ more: ["MTU = 1390"] });
    await net.undisturbed(async () => {
      let startedAt = Date.now();
      const { outcome, token, complaint } = await net.relay.apply(wanted);
      assert.equal(outcome, "pending", complaint);
      // systemd-run's limit of 10 s, and some for the rest.
      assertWithin(20, startedAt);
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      startedAt = Date.now();
      const confirmed = await net.relay.confirm(token);
      assertWithin(25, startedAt);
      assert.equal(confirmed.outcome, "confirmed", confirmed.complaint);
      assert.ok(
        confirmed.notes.some((note) => /enable wg-quick@wg0\.service: \S/.test(note)),
        confirmed.notes.join("\n"),
      );
    });
    await net.relay.run(unlocked);
    assert.match(await net.relay.run(`cat ${LIVE}`), /MTU = 1390/);
  });

  it("is reported by status, and repaired by the next push once systemctl works", async () => {
    const wanted = net.relayState({ more: ["MTU = 1390"] });
    assert.deepEqual(await net.relay.differences(wanted), [
      "it would not be as planned after a boot: its unit or sysctl file differs",
    ]);
    await standIn("systemctl", WORK);
    assert.equal(await net.relay.converge(wanted), "confirmed");
    assert.equal((await net.relay.apply(wanted)).outcome, "unchanged");
  });

  it("undoes an unconfirmed change, and is cleaned", async () => {
    await standIn("systemctl", HANG);
    const before = await net.relay.snapshot();
    await net.undisturbed(async () => {
      const { token } = await net.relay.apply({
        ...net.relayState({ more: ["MTU = 1400"] }),
        timeout: 2,
      });
      await net.relay.waitUntilUndone(token);
    });
    assert.equal(await net.relay.snapshot(), before);
    const { outcome, complaint, stdout } = await net.relay.remove();
    assert.match(stdout, /^removing$/m, outcome ?? complaint);
    // The clean-up continues after the login has ended.
    await net.relay.waitUntil("[ ! -e /var/lib/wireguard-mesh ]");
    await net.relay.run(`${unlocked}; test ! -e ${LIVE} && test ! -e /sys/class/net/wg0`);
  });

  it("leaks no secret", () => net.leaks.end());
});
