/**
 * F5 on real machines: the plug is pulled at 20 random moments of a push, from its first login to its confirmation. The
 * machine loses its memory and keeps its disk as it was written; then it really boots, and is pushed to once more. Twenty
 * whole boots fit because there are two machines at work and their boots are light (support/light-machines.ts). The seed is
 * printed, and can be given: FAULT_SEED=7. Needs root, QEMU.
 *
 * What a plug pulled on QEMU leaves out: writes that the disk had taken but not yet flushed are kept, where a real disk
 * may lose them. What the kernel had not written yet is lost here as there.
 */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab } from "../../scripts/lab/lab";
import { LeakWatch } from "../lab/support/leak-watch";
import { generator, SEED } from "../lab/support/random";
import { progress, secondsSince } from "./support/ec2-network";
import { apply, confirm } from "./support/host-script";
import { lightMachines } from "./support/light-machines";
import { runOn } from "./support/machine-in-lab";
import { PushedMachine, type State } from "./support/pushed-machine";

const ID = "test-vm-faults";
const CUTS = 20;
/** Longer than any test: the timer is there, and does not go off. */
const NEVER = 3600;
/** Of one machine's cuts: each fifth one is in the first push of all to a clean host. */
const FIRST_PUSH_EVERY = 5;

const STATES: [State, State] = [
  { mtu: 1310, forwarding: true, extraPeer: false },
  { mtu: 1320, forwarding: false, extraPeer: true },
];

interface Cut {
  /** Of its machine's cuts. */
  round: number;
  /** Which part of a whole push is over when the power goes. */
  part: number;
}

describe(`a machine that loses its power in a push (seed ${SEED})`, function () {
  this.timeout(2_400_000);
  let lab: Lab;
  let machines: PushedMachine[] = [];
  const random = generator(SEED);
  const cuts = Array.from({ length: CUTS }, random);

  before(async () => {
    const { lab: made, both } = await lightMachines(ID);
    lab = made;
    const peers = [
      { name: "desktop", address: "203.0.113.21" },
      { name: "laptop", address: "203.0.113.22" },
    ];
    machines = both.flatMap((one, at) => {
      const peer = peers[at];
      return peer === undefined ? [] : [new PushedMachine(lab, one, peer)];
    });
    await inParallel(async (one) => {
      await one.startPeer();
      await boot(one);
    });
  });
  afterEach(function () {
    if (this.currentTest?.state !== "failed") return;
    for (const { machine } of machines) process.stderr.write(`${machine.consoleTail()}\n`);
  });
  after(() => Lab.down(ID));

  /** Both work at the same time; when one fails, the other is waited for all the same. */
  async function inParallel(
    work: (one: PushedMachine, at: number) => Promise<void>,
  ): Promise<void> {
    const ended = await Promise.allSettled(machines.map(work));
    for (const end of ended) if (end.status === "rejected") throw end.reason;
  }

  async function boot({ machine }: PushedMachine): Promise<void> {
    const startedAt = Date.now();
    await machine.start();
    await machine.waitForSsh();
    progress(`${machine.name}: up after ${secondsSince(startedAt)} s`);
  }

  async function cutPower({ machine }: PushedMachine): Promise<void> {
    assert.equal(await machine.powerCut(), true);
  }

  it("F5: in its first push is not taken for somebody else's afterwards, whatever had reached the disk", async () => {
    const [one] = machines;
    assert.ok(one);
    const wanted = { config: one.configOf(STATES[0]), forwarding: false, timeout: NEVER };
    const first = await apply(one.machine, wanted);
    assert.equal(first.reply.facts.get("outcome"), "pending", first.reply.stderr);
    // Any other program's fsync has ext4 write all names, and only those contents that it has given a place yet.
    await runOn(one.machine, "sudo sh -c 'echo other >/root/other && sync /root/other'");
    await cutPower(one);
    await boot(one);
    one.assertRuns(null, await one.inspect(), "after the first push was cut");
    const again = await apply(one.machine, wanted);
    assert.equal(again.reply.facts.get("outcome"), "pending", again.reply.stderr);
    assert.equal((await confirm(one.machine, again.token)).code, 0);
    await one.remove();
  });

  it("F5: after 20 cuts at random moments is the old or the new one, whole, and one more push converges", async () => {
    const startedAt = Date.now();
    await inParallel(async (one, at) => {
      const [even, odd] = STATES;
      await one.converge(odd);
      const push = Date.now();
      await one.converge(even);
      const whole = Date.now() - push;
      progress(`${one.name}: a whole push takes ${whole} ms`);
      const own = cuts.filter((_, index) => index % machines.length === at);
      let previous: State | null = even;
      for (const [round, part] of own.entries()) {
        previous = await survives(one, previous, { round, part }, whole);
      }
    });
    progress(`${CUTS} cuts, boots and pushes took ${secondsSince(startedAt)} s`);
  });

  /** One cut, one boot, one more push. @returns the state that it has then. */
  async function survives(
    one: PushedMachine,
    before: State | null,
    { round, part }: Cut,
    whole: number,
  ): Promise<State> {
    let previous = before;
    if (round % FIRST_PUSH_EVERY === 0) {
      await one.remove();
      previous = null;
    }
    const next = STATES[(round + 1) % 2] as State;
    const moment = Math.round(part * whole);
    const what = `${one.name}, cut ${round}, ${previous === null ? "first push, " : ""}after ${moment} ms`;
    const program = one.startPush(next);
    await sleep(moment);
    await cutPower(one);
    // It would come back and confirm; nobody is there any more to do so.
    program.kill("SIGKILL");
    if (program.exitCode === null && program.signalCode === null) await once(program, "exit");
    const off = Date.now();
    await boot(one);
    const found = await one.inspect();
    const has = [previous, next].find((it) => found.live === (it === null ? "" : one.configOf(it)));
    assert.notEqual(
      has,
      undefined,
      `${what}: neither the old nor the new file: ${found.live.length} bytes`,
    );
    one.assertRuns(has ?? null, found, what);
    const up = secondsSince(off);
    await one.converge(next);
    await one.assertConverged(next, what);
    progress(`${what}: ${has === next ? "new" : "old"} (boot ${up} s, all ${secondsSince(off)} s)`);
    return next;
  }

  describe("and then is searched", () => {
    let leaks: LeakWatch;
    // Only now: it reads all processes' command lines again and again, which two emulated boots would pay for.
    before(async () => {
      leaks = await LeakWatch.forPushes(lab);
    });

    it("leaks no secret", async () => {
      for (const { machine, name } of machines)
        await leaks.readMachine(name, async (script) => {
          const { stdout } = await machine.ssh("sudo sh -s", { input: script });
          return stdout;
        });
      await leaks.end();
    });
  });
});
