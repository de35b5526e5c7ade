/** The host program on Debian with systemd, the kernel's WireGuard, apt, reboots and power cuts. Needs root, QEMU. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { Lab } from "../../scripts/lab/lab";
import type { Machine } from "../../scripts/lab/vm/machine";
import type { HostReply } from "../lab/support/host-dialogue";
import { waitForLog } from "../lab/support/small-world";
import { runOn, setUpScript, startMachine, waitOn } from "./support/machine-in-lab";
import type { MachineInLab } from "./support/machine-in-lab";
import { MachineSession, type WantedState } from "./support/machine-session";
import { MachineNetwork } from "./support/network";
import { EXIT, INTERFACE, RoutedNetwork } from "./support/routed-network";

const ID = "test-vm-push";
const STATE = "/var/lib/wireguard-mesh/wg0";
/** This machine's, which needs nothing but libc. */
const WIREGUARD_GO = "/usr/bin/wireguard-go";
/**
 * wg-quick's default MTU, and the change that these tests make. They do not change the listen port: the peers would
 * follow the relay to the new port, but not back to the old one after a reboot.
 */
const DEFAULT_MTU = 1420;
const OTHER_MTU = 1300;
/** How far ahead a peer's date is: after the push, on an emulated machine. */
const AHEAD_S = 240;
const FILES_OF_WG0 = "-name '*wg0*'";
/** No unit that a push starts is left. */
const UNITS_ENDED = "! systemctl list-units --all --no-legend | grep wireguard-mesh";

describe("the push on a machine with systemd", () => {
  let fixture: MachineInLab;
  let machine: Machine;
  let session: MachineSession;
  let network: MachineNetwork;
  before(async () => {
    fixture = await startMachine(ID, setUpScript);
    machine = fixture.machine;
    session = new MachineSession(machine);
    network = new MachineNetwork(fixture.lab);
    await network.startPeers();
    await machine.waitForSsh();
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${machine.consoleTail()}\n`);
  });
  after(() => Lab.down(ID));

  it("installs the tools with apt, and leaves the change to a unit of systemd that outlives the login", async () => {
    const reply = await session.apply(relay());
    assertOutcome(reply, "pending");
    assert.deepEqual(reply.notes.slice(0, 1), ["installing wireguard-tools iproute2"]);
    const units = "systemctl list-units --state=active --no-legend 'wireguard-mesh-guard-wg0-*'";
    assert.match(await runOn(machine, units), /wireguard-mesh-guard-wg0-\S+\.service/);
    const done = await session.confirm(reply.token);
    assertOutcome(done, "confirmed");
    assert.equal(done.observed?.deviceTypes.get("wg0"), "wireguard");
    await network.assertWorks();
  });

  it("leaves an enabled unit, nothing that runs, and files that only root can read", async () => {
    assert.equal(await runOn(machine, "systemctl is-enabled wg-quick@wg0"), "enabled");
    await waitOn(machine, UNITS_ENDED, 60);
    const files = `sudo find /etc/wireguard ${STATE} -type f -printf '%m %u\\n' | sort -u`;
    assert.equal(await runOn(machine, files), "600 root");
  });

  it("does nothing when the same state is pushed again", async () => {
    assertOutcome(await session.apply(relay()), "unchanged");
  });

  it("restores tunnel, routes and forwarding after a reboot", async () => {
    await machine.reboot();
    assert.deepEqual(await machine.waitForUnits(), []);
    assert.equal(await runOn(machine, "systemctl is-active wg-quick@wg0"), "active");
    await network.assertWorks();
    assertOutcome(await session.apply(relay()), "unchanged");
  });

  it("undoes an unconfirmed change", async () => {
    const reply = await session.apply(relay({ mtu: OTHER_MTU, timeout: 20 }));
    assertOutcome(reply, "pending");
    await waitUntilUndone(reply.token);
    assert.equal(await mtu(), DEFAULT_MTU);
    assertOutcome(await session.confirm(reply.token), undefined);
    await network.assertWorks();
  });

  it("F5: undoes a change whose supervisor, guard and login are killed at once", async () => {
    const reply = await session.apply(relay({ mtu: OTHER_MTU }));
    assertOutcome(reply, "pending");
    await waitUntilApplied();
    // systemd starts the guard again.
    await runOn(machine, "sudo pkill -KILL -f '[h]ost.sh (guard|supervise)'");
    await waitUntilUndone(reply.token);
    assert.equal(await mtu(), DEFAULT_MTU);
    assertOutcome(await session.apply(relay()), "unchanged");
  });

  it("F5: has the new config after a power cut right after the confirmation", async () => {
    const before = await machine.waitForSsh();
    const { token } = await session.apply(relay({ mtu: OTHER_MTU }));
    await session.confirmAndCrash(token);
    await machine.waitForSsh(before);
    assert.deepEqual(await machine.waitForUnits(), []);
    assert.equal(await mtu(), OTHER_MTU);
    assertOutcome(await session.apply(relay({ mtu: OTHER_MTU })), "unchanged");
    const back = await session.apply(relay());
    assertOutcome(await session.confirm(back.token), "confirmed");
    await network.assertWorks();
  });

  it("F5: has the old config after a power cut during an unconfirmed change", async () => {
    const { token } = await session.apply(relay({ mtu: OTHER_MTU }));
    await waitUntilApplied();
    await runOn(machine, "sync");
    await cutAndStart();
    assert.equal(await mtu(), DEFAULT_MTU);
    await network.assertWorks();
    // The change was lost at the reboot, so a late confirmation must not make it permanent.
    assertOutcome(await session.confirm(token), undefined);
    await runOn(machine, "! sudo grep MTU /etc/wireguard/wg0.conf");
    assertOutcome(await session.apply(relay()), "unchanged");
  });

  it("waits for another package installation", async () => {
    await runOn(machine, "sudo apt-get -qq -y remove wireguard-tools");
    const busy = "sudo systemd-run -q flock /var/lib/dpkg/lock-frontend sleep 5";
    await runOn(machine, busy);
    const reply = await session.apply(relay({ mtu: OTHER_MTU }));
    assertOutcome(reply, "pending");
    assertOutcome(await session.confirm(reply.token), "confirmed");
    assert.equal(await mtu(), OTHER_MTU);
  });

  it("leaves nothing behind after a removal", async () => {
    const reply = await session.remove();
    assert.match(reply.stdout, /^removing$/m);
    await waitUntilRemoved("/var/lib/wireguard-mesh");
    await waitOn(machine, UNITS_ENDED, 60);
    await assertRemoved(`-name '*wireguard-mesh*' -o ${FILES_OF_WG0}`);
  });

  it("has routeAll, names and dates again after a reboot, but not the removed interface; a peer goes at its date without a push", async () => {
    const expires = Number(await runOn(machine, "date +%s")) + AHEAD_S;
    const routed = new RoutedNetwork(fixture, expires);
    const [soon, later] = [routed.publicKeyOf("soon"), routed.publicKeyOf("later")];
    const peers = () => runOn(machine, `sudo wg show ${INTERFACE} peers`);
    const assertWorks = async () => {
      // systemd-resolved reads /etc/hosts again after two seconds.
      const name = "for i in 1 2 3 4 5; do getent hosts exit.mesh.internal && exit; sleep 2; done";
      const found = await runOn(machine, `${name}; cat /etc/hosts /etc/nsswitch.conf`);
      assert.match(found, /^10\.87\.0\.1 /);
      assert.match(await runOn(machine, "ip route get 198.51.100.1"), / dev wg1 /);
      // A lost handshake is repeated after 5 s.
      const ping = `ping -n -c 1 -W 5 ${EXIT.inner}`;
      await runOn(machine, `for i in 1 2 3 4 5 6; do ${ping} && exit; done; exit 1`);
      // The laptop sees the exit's address.
      const before = fixture.lab.sshLog("laptop").length;
      await machine.ssh("ssh -o StrictHostKeyChecking=no -o BatchMode=yes root@203.0.113.22 true");
      const closed = new RegExp(`Connection closed by .*${EXIT.outer} `);
      assert.ok(await waitForLog(fixture.lab, "laptop", closed, before));
    };
    await routed.startExit();
    assert.equal(await routed.push(), "applied");
    await assertWorks();
    assert.ok((await peers()).includes(soon), `the push took more than ${AHEAD_S} s`);
    await machine.reboot();
    assert.deepEqual(await machine.waitForUnits(), []);
    await assertRemoved(FILES_OF_WG0);
    await assertWorks();
    await waitOn(machine, `! wg show ${INTERFACE} peers | grep -q ${soon}`, AHEAD_S + 60);
    assert.ok(Number(await runOn(machine, "date +%s")) >= expires);
    assert.ok((await peers()).includes(later));
    assert.equal(await routed.push(), "unchanged");
    // A round that a removal overtakes does not find its program.
    const program = `/var/lib/wireguard-mesh/${INTERFACE}/host.sh`;
    const round = `sudo systemctl start --wait wireguard-mesh-tasks-${INTERFACE}`;
    await runOn(machine, `sudo mv ${program} /run; ! ${round} && sudo mv /run/host.sh ${program}`);
    await routed.remove();
    await waitUntilRemoved(`/var/lib/wireguard-mesh/${INTERFACE}`);
    await waitOn(machine, UNITS_ENDED, 60);
  });

  describe("whose kernel has no WireGuard", () => {
    before(async () => {
      await runOn(
        machine,
        "echo 'install wireguard /bin/false' | sudo tee /etc/modprobe.d/no-wireguard.conf; sudo modprobe -r wireguard",
      );
      const program = fs.readFileSync(WIREGUARD_GO).toString("base64");
      const place =
        "base64 -d | sudo tee /usr/bin/wireguard-go >/dev/null && sudo chmod 755 /usr/bin/wireguard-go";
      await runOn(machine, place, program);
    });

    it("F25: keeps wireguard-go running when everything that the push started has ended", async () => {
      const first = await session.apply(relay());
      assertOutcome(first, "pending");
      assertOutcome(await session.confirm(first.token), "confirmed");
      const running = await runOn(machine, "pgrep -x wireguard-go");
      await waitOn(machine, UNITS_ENDED, 60);
      await runOn(machine, "sleep 5");
      assert.equal(await runOn(machine, "pgrep -x wireguard-go"), running);
      await network.assertWorks();
    });

    it("F25: keeps it through a change, an undo and a login whose session ends", async () => {
      const running = await runOn(machine, "pgrep -x wireguard-go");
      const change = await session.apply(relay({ mtu: OTHER_MTU }));
      assertOutcome(await session.confirm(change.token), "confirmed");
      const undone = await session.apply(relay({ timeout: 2 }));
      assertOutcome(undone, "pending");
      await waitUntilUndone(undone.token);
      await runOn(machine, "sudo loginctl terminate-user admin || true; sleep 5").catch(() => "");
      await machine.waitForSsh();
      assert.equal(await runOn(machine, "pgrep -x wireguard-go"), running);
      assert.equal(await mtu(), OTHER_MTU);
      await network.assertWorks();
    });
  });

  function relay(options: { mtu?: number; timeout?: number } = {}): WantedState {
    return { config: network.relayConfig(options.mtu), forwarding: true, timeout: options.timeout };
  }

  async function mtu(): Promise<number | undefined> {
    return (await session.observe()).network.links.get("wg0")?.mtu;
  }

  /** A removal may continue in the background, because an emulated machine needs more than its ten seconds. */
  async function waitUntilRemoved(path: string): Promise<void> {
    await waitOn(machine, `[ ! -e ${path} ]`, 100);
  }

  async function waitUntilUndone(token: string): Promise<void> {
    await waitOn(machine, `grep -q ${token} /run/wireguard-mesh/wg0/rolled-back`, 90);
    assert.equal((await session.observe()).records.rolledBack, token);
  }

  async function waitUntilApplied(): Promise<void> {
    await waitOn(machine, `grep -qx ${OTHER_MTU} /sys/class/net/wg0/mtu`, 60);
  }

  async function cutAndStart(): Promise<void> {
    assert.equal(await machine.powerCut(), true);
    await machine.start();
    await machine.waitForSsh();
    assert.deepEqual(await machine.waitForUnits(), []);
  }

  /** `names`: of its files, as arguments for find(1). */
  async function assertRemoved(names: string): Promise<void> {
    await runOn(machine, "! ip link show wg0 && ! systemctl is-enabled wg-quick@wg0");
    const folders =
      "/etc/wireguard /etc/sysctl.d /etc/systemd/system /var/lib /run/systemd/transient /run/wireguard-mesh";
    const leftovers = await machine.ssh(`sudo find ${folders} ${names}`);
    assert.equal(leftovers.stdout, "");
    assert.equal(await runOn(machine, "cat /proc/sys/net/ipv4/ip_forward"), "0");
  }
});

function assertOutcome(reply: HostReply, outcome: HostReply["outcome"]): void {
  assert.equal(reply.outcome, outcome, reply.complaint + reply.stderr);
}
