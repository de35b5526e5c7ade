/** Virtual machines are what they say: Debian with its own kernel, set up by user data, that can lose its power. Needs root, QEMU. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { namespaceIdentity, processesIn } from "../../scripts/lab/clean-up";
import { Lab } from "../../scripts/lab/lab";
import { machineNamespace } from "../../scripts/lab/vm/files";
import { Machine } from "../../scripts/lab/vm/machine";
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

  it("boots to SSH with the host key and the user of its user data", async () => {
    await machine.waitForSsh();
    assert.equal(await runOn(machine, "id -un; sudo -n id -un; hostname"), "admin\nroot\ntokyo");
  });

  it("has ended its first set-up without an error, and all its units run", async () => {
    assert.deepEqual(await machine.waitForCloudInit(), []);
    assert.deepEqual(await machine.waitForUnits(), []);
    assert.match(await runOn(machine, "cloud-init query platform"), /nocloud/i);
  });

  it("has the kernel's own WireGuard, and no tools for it yet", async () => {
    const link = "sudo ip link add wgtry type wireguard && ip -d link show wgtry";
    assert.match(await runOn(machine, link), /wireguard/);
    assert.match(await runOn(machine, "lsmod"), /^wireguard /m);
    await runOn(machine, "sudo ip link del wgtry");
    assert.notEqual((await machine.ssh("command -v wg")).code, 0);
  });

  it("knows only its private address, and is reached and seen by its elastic one", async () => {
    const { lab } = fixture;
    assert.match(await runOn(machine, "ip -4 -o address show dev ens5"), /172\.31\.0\.10\/20/);
    const [, seenFrom] = (await runOn(machine, "echo $SSH_CONNECTION")).split(" ");
    assert.ok(seenFrom);
    // Out: what the desktop sees of a connection that the machine opens.
    const log = lab.sshLog("desktop").length;
    await machine.ssh("ssh -o StrictHostKeyChecking=no -o BatchMode=yes root@203.0.113.21 true");
    assert.match(lab.sshLog("desktop").slice(log), /203\.0\.113\.60 port \d+/);
  });

  it("is not talked to when it shows another host key", async () => {
    const other = await makeHostKey(path.join(fixture.lab.folder.root, "other"));
    const right = fs.readFileSync(machine.files.knownHosts, "utf8").trim().slice("machine ".length);
    machine.expectHostKey(other.publicKey);
    const { code, stderr } = await machine.ssh("true");
    machine.expectHostKey(right);
    assert.equal(code, 255);
    assert.match(stderr, /Host key verification failed/);
  });

  it("comes back from a power cut with what was on its disk, for another process too", async () => {
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

  it("is on from the end of its start, so that whoever cuts its power then does cut it", async () => {
    await machine.powerCut();
    // A start that ends too early is seen as off most of the time, but not always.
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

  it("ends with its lab", async () => {
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
