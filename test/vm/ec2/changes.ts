/** Changes in place, no-ops, and a restart. */
import * as assert from "node:assert/strict";
import type { Ec2Fixture } from "../ec2.test";
import { asOlderState } from "../support/older-ec2-state";
import { UP } from "../support/ec2-network";

export function changes(fixture: Ec2Fixture): void {
  it("is not replaced when there is a newer image", async () => {
    const { network } = fixture;
    network.account.publishImages();
    const { stdout } = await network.mustPulumi("preview", "--diff", "--expect-no-changes");
    assert.doesNotMatch(stdout, /replace|ami-/);
  });

  it("accepts another administrator with a change of the security group only", async () => {
    const { network } = fixture;
    network.setRelay("adminCidrs", ["203.0.113.250/32", "203.0.113.22/32"]);
    const { stdout } = await network.up();
    assert.deepEqual(changedTypes(stdout), ["aws:ec2/securityGroup"]);
    const connect = `exec 3<>/dev/tcp/${network.elastic}/22 && head -n 1 <&3`;
    const seen = await network.lab.exec("laptop", ["timeout", "30", "bash", "-c", connect]);
    assert.match(seen.stdout, /^SSH-/);
    network.setRelay("adminCidrs", ["203.0.113.250/32"]);
    await network.up();
  });

  it("changes its instance type in place, and has interface, routes, forwarding and firewall again when it starts", async () => {
    const { network } = fixture;
    const [id] = network.instances;
    const machine = await network.machine();
    const before = await kernelState();
    const previous = await machine.waitForSsh();
    network.setRelay("instanceType", "t4g.micro");
    const { stdout } = await network.up();
    assert.deepEqual(changedTypes(stdout), ["aws:ec2/instance"]);
    assert.doesNotMatch(stdout, /replaced/);
    assert.deepEqual(network.instances, [id]);
    await machine.waitForSsh(previous);
    assert.deepEqual(await machine.waitForUnits(), []);
    await network.assertWorks();
    assert.deepEqual(await kernelState(), before);
    assert.equal(await network.run("systemctl is-active wg-quick@wg0"), "active");
  });

  it("is not pushed to again when a refresh finds its Elastic IP, and the address of its first push gone", async () => {
    const { network } = fixture;
    const before = await network.logins();
    await network.mustPulumi("refresh", "--yes", "--skip-preview");
    const { stdout } = await network.up();
    assert.deepEqual(changedTypes(stdout), []);
    // Counting is a login, too.
    assert.equal(await network.logins(), before + 1);
  });

  it("is updated in place in a stack of an older version", async () => {
    const { network } = fixture;
    const exported = await network.mustPulumi("stack", "export", "--show-secrets");
    const input = asOlderState(exported.stdout);
    const argv = ["pulumi", "stack", "import", "--non-interactive"];
    const imported = await network.lab.exec("operator", argv, { input });
    assert.equal(imported.code, 0, imported.stderr);
    const { stdout } = await network.mustPulumi("preview", "--json");
    const { steps } = JSON.parse(stdout) as { steps: { op: string; urn: string }[] };
    const changes = steps.filter(({ op }) => op !== "same");
    assert.deepEqual(changes.map(({ op, urn }) => `${op} ${urn.split("::").at(-1) ?? ""}`).sort(), [
      "create tokyo-first-address",
      "update tokyo-push-command",
      "update tokyo-subnet",
    ]);
    await network.up();
    await network.assertWorks();
    await network.mustPulumi("preview", "--expect-no-changes");
  });

  /** Everything that a boot must restore, without what differs between boots. */
  async function kernelState(): Promise<string[]> {
    const { network } = fixture;
    const commands = [
      "sudo wg show wg0 allowed-ips | sort",
      "ip -o address show dev wg0 | sed 's/ *valid_lft.*//; s/^[0-9]*: //'",
      "ip route show dev wg0; ip -6 route show dev wg0 | grep -v fe80 || true",
      "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding",
      "sudo nft list ruleset | sed 's/counter packets [0-9]* bytes [0-9]*//'",
    ];
    const outputs: string[] = [];
    for (const command of commands) outputs.push(await network.run(command));
    return outputs;
  }
}

/** The types of the resources that an `up --diff` changed, each once; security group rules count as the group. */
export function changedTypes(stdout: string): string[] {
  const lines = stdout.matchAll(/^\s*[~+-]+ (aws:\w+\/\w+|command:local):\w+: \((?!same)/gm);
  const types = [...lines].map(([, type = ""]) =>
    type.startsWith("aws:vpc/securityGroup") ? "aws:ec2/securityGroup" : type,
  );
  return [...new Set(types)].sort();
}

export const UP_PLAIN = UP.filter((word) => word !== "--diff");
