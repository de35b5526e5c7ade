/**
 * An EC2 relay, end to end, with the real engine and a virtual machine that boots the real user data; only AWS is a
 * stand-in (scripts/lab/aws-plugin). All tests share one network, because a boot takes a minute. Needs root, QEMU.
 */
import { LeakWatch } from "../lab/support/leak-watch";
import { changes } from "./ec2/changes";
import { ending } from "./ec2/ending";
import { firstUp } from "./ec2/first-up";
import { identity } from "./ec2/identity";
import { replacement } from "./ec2/replacement";
import { Ec2Network } from "./support/ec2-network";

export interface Ec2Fixture {
  network: Ec2Network;
  leaks: LeakWatch;
}

describe("an EC2 relay", function () {
  // Each step builds on the one before.
  this.bail(true);
  const fixture = {} as Ec2Fixture;
  before(async () => {
    fixture.network = await Ec2Network.create("test-vm-ec2");
    fixture.leaks = await LeakWatch.forStack(fixture.network.mesh);
  });
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    const machine = await fixture.network.machine().catch(() => undefined);
    if (machine !== undefined) process.stderr.write(`${machine.consoleTail()}\n`);
  });
  after(() => fixture.network.lab.down());

  describe("at its first up", () => {
    firstUp(fixture);
  });
  describe("over SSH", () => {
    identity(fixture);
  });
  describe("that changes", () => {
    changes(fixture);
  });
  describe("that is replaced", () => {
    replacement(fixture);
  });
  describe("at its end", () => {
    ending(fixture);
    it("leaks no secret", () => fixture.leaks.end());
  });
});
