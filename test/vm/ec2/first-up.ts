/** From no machine to a handshake, in one `up`. */
import * as assert from "node:assert/strict";
import { formsOf } from "../../support/secret-forms";
import type { Ec2Fixture } from "../ec2.test";
import { progress, secondsSince } from "../support/ec2-network";

export function firstUp(fixture: Ec2Fixture): void {
  it("is previewed before there is anything, with the address as a placeholder", async () => {
    const { stdout } = await fixture.network.mustPulumi("preview", "--diff", "--show-full-output");
    assert.match(stdout, /\+ aws:ec2\/instance:Instance: \(create\)/);
    assert.match(stdout, /Endpoint = <eip:tokyo>:51820/);
  });

  it("comes out of nothing by one up, and the peers meet through it", async () => {
    const { network } = fixture;
    const startedAt = Date.now();
    await network.up();
    await network.assertWorks();
    progress(`from nothing to answers through the relay: ${secondsSince(startedAt)} s`);
  });

  it("has ended its first set-up without an error, and all its units run", async () => {
    const machine = await fixture.network.machine();
    assert.deepEqual(await machine.waitForCloudInit(), []);
    assert.deepEqual(await machine.waitForUnits(), []);
  });

  it("was given no WireGuard key and no SSH user's key to boot with", async () => {
    const { network } = fixture;
    const [id = ""] = network.instances;
    const userData = network.userData(id);
    assert.match(userData, /^#cloud-config/);
    const secrets = await network.secrets();
    assert.ok(secrets.size >= 6, `only ${secrets.size} secrets`);
    for (const [name, secret] of secrets) {
      const lines = secret.split("\n").filter((line) => line.length > 30);
      // The first lines of an OpenSSH key are the same for all keys.
      const forms = lines.length > 3 ? lines.slice(3, -1) : formsOf(secret);
      for (const form of forms) assert.equal(userData.includes(form), false, name);
    }
  });

  it("carries its tunnel by the kernel's own WireGuard", async () => {
    const { network } = fixture;
    assert.match(await network.run("ip -d link show wg0"), /^\s+wireguard\b/m);
    assert.match(await network.run("lsmod"), /^wireguard /m);
  });

  it("is left alone by a second up: nothing changes, nobody logs in", async () => {
    const { network } = fixture;
    const before = await network.logins();
    const peers = () => ["desktop", "laptop"].map((peer) => network.lab.logins(peer));
    const peersBefore = peers();
    const { stdout } = await network.up();
    assert.match(stdout, /^ {4}\d+ unchanged$/m);
    assert.doesNotMatch(stdout, /changed, |created|updated|deleted|replaced/);
    // The second count is a login of its own.
    assert.equal(await network.logins(), before + 1);
    assert.deepEqual(peers(), peersBefore);
  });

  it("lets nobody but the operator in to SSH", async () => {
    const { network } = fixture;
    assert.equal(await sshAnswers("operator"), true);
    assert.equal(await sshAnswers("laptop"), false);

    async function sshAnswers(node: string): Promise<boolean> {
      const connect = `exec 3<>/dev/tcp/${network.elastic}/22 && head -n 1 <&3`;
      const { stdout } = await network.lab.exec(node, ["timeout", "4", "bash", "-c", connect]);
      return stdout.startsWith("SSH-");
    }
  });
}
