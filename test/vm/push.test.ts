/** The host script on Debian with systemd, the kernel's WireGuard, apt, reboots and power cuts. Needs root, QEMU. */
import * as assert from "node:assert/strict";
import { poll } from "../../scripts/poll";
import { Lab } from "../../scripts/lab/lab";
import type { Machine } from "../../scripts/lab/vm/machine";
import { apply, confirm, confirmAndCrash, facts, remove } from "./support/host-script";
import type { HostReply, WantedState } from "./support/host-script";
import { runOn, startMachine } from "./support/machine-in-lab";
import type { MachineInLab } from "./support/machine-in-lab";
import { MachineNetwork } from "./support/network";

const ID = "test-vm-push";
const STATE = "/var/lib/wireguard-mesh/wg0";
/** Seconds; longer than any test here, so that the rollback timer does not fire. */
const NEVER = 3600;
/**
 * wg-quick's default MTU, and the change that these tests make. They do not change the listen port: the peers would
 * follow the relay to the new port, but not back to the old one after a reboot.
 */
const DEFAULT_MTU = 1420;
const OTHER_MTU = 1300;

describe("the push on a machine with systemd", () => {
  let fixture: MachineInLab;
  let machine: Machine;
  let network: MachineNetwork;
  before(async () => {
    fixture = await startMachine(ID);
    machine = fixture.machine;
    network = new MachineNetwork(fixture.lab);
    await network.startPeers();
    await machine.waitForSsh();
    assert.deepEqual(await machine.waitForCloudInit(), []);
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${machine.consoleTail()}\n`);
  });
  after(() => Lab.down(ID));

  it("installs the tools with apt and applies the change with a rollback timer of systemd", async () => {
    const { reply, token } = await apply(machine, relay());
    assertCode(reply);
    assert.match(reply.stderr, /^progress: installing wireguard-tools/m);
    assert.equal(reply.facts.get("outcome"), "pending");
    const timers =
      "systemctl list-units --state=active --no-legend 'wireguard-mesh-rollback-wg0-*.timer'";
    assert.match(await runOn(machine, timers), /wireguard-mesh-rollback-wg0-\S+\.timer/);
    const done = await confirm(machine, token);
    assertCode(done);
    assert.equal(done.facts.get("outcome"), "confirmed");
    assert.equal(done.facts.get("backend"), "kernel");
    await network.assertWorks();
  });

  it("leaves an enabled unit, no timer, and files that only root can read", async () => {
    assert.equal(await runOn(machine, "systemctl is-enabled wg-quick@wg0"), "enabled");
    const timers = await runOn(machine, "systemctl list-timers --all --no-legend");
    assert.doesNotMatch(timers, /wireguard-mesh/);
    const files = `sudo find /etc/wireguard ${STATE} -type f -printf '%m %u\\n' | sort -u`;
    assert.equal(await runOn(machine, files), "600 root");
  });

  it("does nothing when the same state is pushed again", async () => {
    const { reply } = await apply(machine, relay());
    assertCode(reply);
    assert.equal(reply.facts.get("outcome"), "unchanged");
  });

  it("restores tunnel, routes and forwarding after a reboot", async () => {
    await machine.reboot();
    assert.deepEqual(await machine.waitForUnits(), []);
    assert.equal(await runOn(machine, "systemctl is-active wg-quick@wg0"), "active");
    await network.assertWorks();
    const { reply } = await apply(machine, relay());
    assert.equal(reply.facts.get("outcome"), "unchanged", reply.stderr);
  });

  it("rolls back an unconfirmed change", async () => {
    const { reply, token } = await apply(machine, relay({ mtu: OTHER_MTU, timeout: 20 }));
    assert.equal(reply.facts.get("outcome"), "pending", reply.stderr);
    const undone = await poll(
      async () => ((await facts(machine)).facts.get("rolled-back") === token ? true : undefined),
      { limitMs: 120_000, pauseMs: 1000 },
    );
    assert.equal(undone, true);
    assert.equal(await mtu(), DEFAULT_MTU);
    assert.equal((await confirm(machine, token)).code, 1);
    await network.assertWorks();
  });

  it("F5: has the new config after a power cut right after the confirmation", async () => {
    const before = await machine.waitForSsh();
    const { token } = await apply(machine, relay({ mtu: OTHER_MTU }));
    await confirmAndCrash(machine, token);
    await machine.waitForSsh(before);
    assert.deepEqual(await machine.waitForUnits(), []);
    assert.equal(await mtu(), OTHER_MTU);
    const { reply } = await apply(machine, relay({ mtu: OTHER_MTU }));
    assert.equal(reply.facts.get("outcome"), "unchanged", reply.stdout + reply.stderr);
    const back = await apply(machine, relay());
    assertCode(await confirm(machine, back.token));
    await network.assertWorks();
  });

  it("F5: has the old config after a power cut during an unconfirmed change", async () => {
    const { token } = await apply(machine, relay({ mtu: OTHER_MTU }));
    await waitUntilApplied();
    await runOn(machine, "sync");
    await cutAndStart();
    assert.equal(await mtu(), DEFAULT_MTU);
    await network.assertWorks();
    // The change was lost at the reboot, so a late confirmation must not make it permanent.
    const late = await confirm(machine, token);
    assert.equal(late.code, 1, late.stdout);
    await runOn(machine, "! sudo grep MTU /etc/wireguard/wg0.conf");
    const { reply } = await apply(machine, relay());
    assert.equal(reply.facts.get("outcome"), "unchanged", reply.stdout + reply.stderr);
  });

  it("waits for another package installation", async () => {
    await runOn(machine, "sudo apt-get -qq -y remove wireguard-tools");
    const busy = "sudo systemd-run -q flock /var/lib/dpkg/lock-frontend sleep 5";
    await runOn(machine, busy);
    const { reply, token } = await apply(machine, relay({ mtu: OTHER_MTU }));
    assertCode(reply);
    assertCode(await confirm(machine, token));
    assert.equal(await mtu(), OTHER_MTU);
  });

  it("leaves nothing behind after a removal and a reboot", async () => {
    const reply = await remove(machine);
    // The removal continues in the background, because an emulated machine needs more than its ten seconds.
    assert.match(reply.stdout, /^outcome removing$/m);
    const removed = "until [ ! -e /var/lib/wireguard-mesh ]; do sleep 1; done";
    await runOn(machine, `timeout 100 sh -c '${removed}'`);
    await assertRemoved();
    await machine.reboot();
    assert.deepEqual(await machine.waitForUnits(), []);
    await assertRemoved();
  });

  function relay(options: { mtu?: number; timeout?: number } = {}): WantedState {
    const config = network.relayConfig(options.mtu);
    return { config, forwarding: true, timeout: options.timeout ?? NEVER };
  }

  async function mtu(): Promise<number> {
    return Number((await facts(machine)).facts.get("mtu"));
  }

  async function waitUntilApplied(): Promise<void> {
    const applied = await poll(async () => ((await mtu()) === OTHER_MTU ? true : undefined), {
      limitMs: 60_000,
      pauseMs: 500,
    });
    assert.equal(applied, true, "the change was not applied");
  }

  async function cutAndStart(): Promise<void> {
    assert.equal(await machine.powerCut(), true);
    await machine.start();
    await machine.waitForSsh();
    assert.deepEqual(await machine.waitForUnits(), []);
  }

  async function assertRemoved(): Promise<void> {
    assert.equal((await facts(machine)).facts.get("interface"), "missing");
    assert.notEqual((await machine.ssh("systemctl is-enabled wg-quick@wg0")).code, 0);
    const leftovers =
      "sudo find /etc/wireguard /etc/sysctl.d /etc/systemd/system /var/lib /run/systemd/transient " +
      "/run/wireguard-mesh " +
      "-name '*wireguard-mesh*' -o -name 'wg0*' -o -name 'wg-quick@wg0*'";
    assert.equal((await machine.ssh(leftovers)).stdout, "");
    assert.equal(await runOn(machine, "cat /proc/sys/net/ipv4/ip_forward"), "0");
  }
});

function assertCode(reply: HostReply): void {
  assert.equal(reply.code, 0, reply.stderr);
}
