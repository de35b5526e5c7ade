/**
 * An EC2 relay, end to end: the real engine and the program as it is, the very user data on a machine that boots. What is
 * not real is Amazon (scripts/lab/aws-plugin). One network for all, since a boot takes a minute. Needs root, QEMU.
 */
import { LeakWatch } from "../lab/support/leak-watch";
import { changes } from "./ec2/changes";
import { ending } from "./ec2/ending";
import { firstUp } from "./ec2/first-up";
import { identity } from "./ec2/identity";
import { replacement } from "./ec2/replacement";
import { Ec2Network } from "./support/ec2-network";

export interface Here {
  network: Ec2Network;
  leaks: LeakWatch;
}

describe("an EC2 relay", function () {
  // Each step builds on the one before.
  this.bail(true);
  const here = {} as Here;
  before(async () => {
    here.network = await Ec2Network.make("test-vm-ec2");
    here.leaks = await LeakWatch.start(here.network.mesh);
  });
  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    const machine = await here.network.machine().catch(() => undefined);
    if (machine !== undefined) process.stderr.write(`${machine.consoleTail()}\n`);
  });
  after(() => here.network.lab.down());

  describe("out of nothing", () => {
    firstUp(here);
  });
  describe("to SSH", () => {
    identity(here);
  });
  describe("that changes", () => {
    changes(here);
  });
  describe("that is replaced", () => {
    replacement(here);
  });
  describe("at its end", () => {
    ending(here);
    it("let no secret be seen anywhere in all of this", () => here.leaks.end());
  });
});
