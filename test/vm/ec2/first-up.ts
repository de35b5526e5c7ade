/** The first `up` creates the instance and brings the tunnels up. */
import * as assert from "node:assert/strict";
import { formsOf } from "../../support/secret-forms";
import type { Ec2Fixture } from "../ec2.test";
import { progress, secondsSince } from "../support/ec2-network";

export function firstUp(fixture: Ec2Fixture): void {
  it("is previewed with a placeholder for its address", async () => {
    const { stdout } = await fixture.network.mustPulumi("preview", "--diff", "--show-full-output");
    assert.match(stdout, /\+ aws:ec2\/instance:Instance: \(create\)/);
    assert.match(stdout, /Endpoint = <eip:tokyo>:51820/);
  });

  it("is created by one up, and the peers connect through it", async () => {
    const { network } = fixture;
    const startedAt = Date.now();
    await network.up();
    await network.assertWorks();
    progress(`from no instance to replies through the relay: ${secondsSince(startedAt)} s`);
  });

  it("has finished cloud-init without errors and has no failed units", async () => {
    const machine = await fixture.network.machine();
    assert.deepEqual(await machine.waitForCloudInit(), []);
    assert.deepEqual(await machine.waitForUnits(), []);
  });

  it("has no WireGuard key and no private SSH key in its user data", async () => {
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

  it("uses the kernel's WireGuard", async () => {
    const { network } = fixture;
    assert.match(await network.run("ip -d link show wg0"), /^\s+wireguard\b/m);
    assert.match(await network.run("lsmod"), /^wireguard /m);
  });

  it("is not changed by a second up, which logs in to no host", async () => {
    const { network } = fixture;
    const before = await network.logins();
    const peers = () => ["desktop", "laptop"].map((peer) => network.lab.logins(peer));
    const peersBefore = peers();
    const { stdout } = await network.up();
    assert.match(stdout, /^ {4}\d+ unchanged$/m);
    assert.doesNotMatch(stdout, /changed, |created|updated|deleted|replaced/);
    // Counting is a login, too.
    assert.equal(await network.logins(), before + 1);
    assert.deepEqual(peers(), peersBefore);
  });

  it("accepts SSH connections from the operator only", async () => {
    const { network } = fixture;
    assert.equal(await sshAnswers("operator", 30), true);
    assert.equal(await sshAnswers("laptop", 4), false);

    async function sshAnswers(node: string, seconds: number): Promise<boolean> {
      const connect = `exec 3<>/dev/tcp/${network.elastic}/22 && head -n 1 <&3`;
      const argv = ["timeout", `${seconds}`, "bash", "-c", connect];
      const { stdout } = await network.lab.exec(node, argv);
      return stdout.startsWith("SSH-");
    }
  });
}
