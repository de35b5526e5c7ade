/** Secrets on the machine, and destroy. */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { machineNamespace } from "../../../scripts/lab/vm/files";
import { formsOf } from "../../support/secret-forms";
import type { Ec2Fixture } from "../ec2.test";

/** The files on the machine that contain secrets of the stack: the live config, and the last known good one. */
const PLACES = /^\/etc\/wireguard\/wg0\.conf$|^\/var\/lib\/wireguard-mesh\/wg0\/generations\/\d+$/;

export function ending(fixture: Ec2Fixture): void {
  it("has the stack's secrets only in its WireGuard config and in the states that it keeps", async () => {
    const { network } = fixture;
    const machine = await network.machine();
    const secrets = [...(await network.secrets()).values()];
    const patterns = secrets.flatMap((secret) =>
      secret.includes("\n") ? secret.split("\n").slice(3, -2) : formsOf(secret),
    );
    const input = `${patterns.filter((form) => form.length > 30).join("\n")}\n`;
    const search =
      "cat >/dev/shm/patterns; sudo grep -rlaF -f /dev/shm/patterns /etc /var /root /home /run /tmp /srv; rm /dev/shm/patterns";
    const { stdout } = await machine.ssh(search, { input, timeoutMs: 300_000 });
    const found = stdout.split("\n").filter((file) => file !== "");
    assert.deepEqual(
      found.filter((file) => !PLACES.test(file)),
      [],
    );
    assert.ok(found.length > 0, "the search finds nothing at all");
    fixture.leaks.add("the machine's journal", await network.run("sudo journalctl -q --no-pager"));
    for (const file of ["serial.log", "qemu.log", "seed/user-data"]) {
      const text = fs.readFileSync(path.join(machine.files.root, file), "latin1");
      fixture.leaks.add(`the machine's ${file}`, text);
    }
  });

  it("is removed completely by destroy", async () => {
    const { network } = fixture;
    const [id = ""] = network.instances;
    await network.mustPulumi("destroy", "--yes", "--skip-preview");
    const file = path.join(network.lab.folder.root, "aws.json");
    const { resources } = JSON.parse(fs.readFileSync(file, "utf8")) as { resources: object };
    assert.deepEqual(resources, {});
    assert.equal(fs.existsSync(`/run/netns/${machineNamespace(network.lab.id, id)}`), false);
    assert.deepEqual(fs.readdirSync(path.join(network.lab.folder.root, "vm")), []);
    for (const peer of ["desktop", "laptop"]) {
      const wg0 = await network.lab.exec(peer, ["test", "-e", "/sys/class/net/wg0"]);
      assert.equal(wg0.code, 1, peer);
    }
  });
}
