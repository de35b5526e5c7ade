/** Virtual machines: Debian with its own kernel, set up by user data, with power cuts. Needs root, QEMU. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { namespaceIdentity, processesIn } from "../../scripts/lab/clean-up";
import { Lab } from "../../scripts/lab/lab";
import { machineNamespace } from "../../scripts/lab/vm/files";
import { Machine } from "../../scripts/lab/vm/machine";
import { waitForLog } from "../lab/support/small-world";
import { makeHostKey, runOn, startMachine } from "./support/machine-in-lab";
import type { MachineInLab } from "./support/machine-in-lab";

const ID = "test-vm-machine";

describe("a virtual machine in the lab", () => {
  let fixture: MachineInLab;
  let machine: Machine;
  before(async () => {
    fixture = await startMachine(ID);
    machine = fixture.machine;
  });
  afterEach(function () {
    if (this.currentTest?.state === "failed") process.stderr.write(`${machine.consoleTail()}\n`);
  });
  after(() => Lab.down(ID));

  it("accepts SSH with the host key and the user of its user data", async () => {
    await machine.waitForSsh();
    assert.equal(await runOn(machine, "id -un; sudo -n id -un; hostname"), "admin\nroot\ntokyo");
  });

  it("has finished cloud-init without errors and has no failed units", async () => {
    assert.deepEqual(await machine.waitForCloudInit(), []);
    assert.deepEqual(await machine.waitForUnits(), []);
    assert.match(await runOn(machine, "cloud-init query platform"), /nocloud/i);
  });

  it("has WireGuard in its kernel but no wireguard-tools", async () => {
    const link = "sudo ip link add wgtry type wireguard && ip -d link show wgtry";
    assert.match(await runOn(machine, link), /wireguard/);
    assert.match(await runOn(machine, "lsmod"), /^wireguard /m);
    await runOn(machine, "sudo ip link del wgtry");
    assert.notEqual((await machine.ssh("command -v wg")).code, 0);
  });

  it("has only its private address, and uses its elastic address on the internet", async () => {
    const { lab } = fixture;
    assert.match(await runOn(machine, "ip -4 -o address show dev ens5"), /172\.31\.0\.10\/20/);
    const [, seenFrom] = (await runOn(machine, "echo $SSH_CONNECTION")).split(" ");
    assert.ok(seenFrom);
    // Outbound: the source address that the desktop sees.
    const log = lab.sshLog("desktop").length;
    await machine.ssh("ssh -o StrictHostKeyChecking=no -o BatchMode=yes root@203.0.113.21 true");
    assert.ok(await waitForLog(lab, "desktop", /203\.0\.113\.60 port \d+/, log));
  });

  it("is rejected when it shows another host key", async () => {
    const other = await makeHostKey(path.join(fixture.lab.folder.root, "other"));
    const right = fs.readFileSync(machine.files.knownHosts, "utf8").trim().slice("machine ".length);
    machine.expectHostKey(other.publicKey);
    const { code, stderr } = await machine.ssh("true");
    machine.expectHostKey(right);
    assert.equal(code, 255);
    assert.match(stderr, /Host key verification failed/);
  });

  it("keeps what was on its disk at a power cut, and can be opened by another process", async () => {
    const before = await machine.waitForSsh();
    await runOn(machine, "echo kept >kept && sync kept");
    assert.equal(await machine.powerCut(), true);
    assert.equal(machine.isOn, false);
    const again = Machine.open(fixture.lab, "tokyo");
    await again.start();
    await again.waitForSsh(before);
    assert.equal(await runOn(again, "cat kept"), "kept");
    assert.deepEqual(await again.waitForUnits(), []);
  });

  it("is on when start resolves, so that a power cut is effective", async () => {
    await machine.powerCut();
    // Several rounds, because a start that resolves too early is not always off.
    for (let round = 0; round < 5; round++) {
      await machine.start();
      assert.equal(machine.isOn, true);
      assert.equal(await machine.powerCut(), true);
    }
  });

  it("leaves nothing behind", async () => {
    const namespace = `/run/netns/${machineNamespace(ID, "tokyo")}`;
    const identity = namespaceIdentity(namespace);
    assert.ok(identity);
    await machine.destroy();
    assert.deepEqual(processesIn(new Set([identity])), []);
    assert.equal(fs.existsSync(namespace), false);
    assert.equal(fs.existsSync(machine.files.root), false);
  });

  it("is removed with its lab", async () => {
    await fixture.lab.down();
    fixture = await startMachine(ID);
    const identity = namespaceIdentity(`/run/netns/${machineNamespace(ID, "tokyo")}`);
    assert.ok(identity);
    assert.equal(fixture.machine.isOn, true);
    await fixture.lab.down();
    assert.deepEqual(processesIn(new Set([identity])), []);
    assert.equal(fs.existsSync(fixture.machine.files.root), false);
  });
});
