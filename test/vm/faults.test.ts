/**
 * F5 on virtual machines: the power is cut at random moments of a push, from its first login to its confirmation. The
 * machine loses its memory but not its disk; then it boots and gets another push. Two machines run in parallel, with
 * fast boots (support/light-machines.ts). The seed is in the title; FAULT_SEED=7 sets it, FAULT_ROUNDS=20 the number of cuts. Needs
 * root, QEMU.
 *
 * Unlike a real power cut, killing QEMU keeps writes that the disk has accepted but not flushed. Writes that the kernel
 * has not issued yet are lost in both cases.
 */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab } from "../../scripts/lab/lab";
import { LeakWatch } from "../lab/support/leak-watch";
import { faultRounds, generator, FAULT_SEED } from "../lab/support/random";
import { progress, secondsSince } from "./support/ec2-network";
import { lightMachines } from "./support/light-machines";
import { runOn } from "./support/machine-in-lab";
import { PushedMachine, type State } from "./support/pushed-machine";

const ID = "test-vm-faults";
const CUTS = faultRounds(6);
/** Every fifth cut of a machine is in the first push to a clean host. */
const FIRST_PUSH_EVERY = 5;

const STATES: [State, State] = [
  { mtu: 1310, forwarding: true, extraPeer: false },
  { mtu: 1320, forwarding: false, extraPeer: true },
];

interface Cut {
  /** The number of the cut on its machine. */
  round: number;
  /** The fraction of a push after which the power is cut. */
  part: number;
}

describe(`a machine that loses power during a push (seed ${FAULT_SEED})`, function () {
  this.timeout(2_400_000);
  let lab: Lab;
  let machines: PushedMachine[] = [];
  const random = generator(FAULT_SEED);
  const cuts = Array.from({ length: CUTS }, random);

  before(async () => {
    const { lab: created, both } = await lightMachines(ID);
    lab = created;
    const peers = [
      { name: "desktop", address: "203.0.113.21" },
      { name: "laptop", address: "203.0.113.22" },
    ];
    machines = both.flatMap((one, at) => {
      const peer = peers[at];
      return peer === undefined ? [] : [new PushedMachine(lab, one, peer)];
    });
    await inParallel((one) => one.startPeer());
  });
  afterEach(function () {
    if (this.currentTest?.state !== "failed") return;
    for (const { machine } of machines) process.stderr.write(`${machine.consoleTail()}\n`);
  });
  after(() => Lab.down(ID));

  /** Works on both machines in parallel; waits for the other one if one fails. */
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

  it("F5: accepts the first push again after a power cut, whatever had reached the disk", async () => {
    const [one] = machines;
    assert.ok(one);
    const wanted = { config: one.configOf(STATES[0]), forwarding: false };
    const first = await one.session.apply(wanted);
    assert.equal(first.outcome, "pending", first.complaint + first.stderr);
    // After any fsync ext4 has written all file names, but contents only where blocks are already allocated.
    await runOn(one.machine, "sudo sh -c 'echo other >/root/other && sync /root/other'");
    await cutPower(one);
    await boot(one);
    one.assertRuns(null, await one.inspect(), "after the first push was cut");
    const again = await one.session.apply(wanted);
    assert.equal(again.outcome, "pending", again.complaint + again.stderr);
    assert.equal((await one.session.confirm(again.token)).outcome, "confirmed");
  });

  it("F5: stays clean when the power fails right after a removal", async () => {
    const [one] = machines;
    assert.ok(one);
    await one.remove();
    await cutPower(one);
    await boot(one);
    const found = await one.inspect();
    one.assertRuns(null, found, "after the removal");
    assert.equal(found.live, "");
  });

  it(`F5: has a complete old or new config after ${CUTS} cuts at random moments, and the next push converges`, async () => {
    const startedAt = Date.now();
    await inParallel(async (one, at) => {
      const [even, odd] = STATES;
      await one.converge(odd);
      const push = Date.now();
      await one.converge(even);
      const duration = Date.now() - push;
      progress(`${one.name}: a push takes ${duration} ms`);
      const own = cuts.filter((_, index) => index % machines.length === at);
      let previous: State | null = even;
      for (const [round, part] of own.entries()) {
        previous = await cutAndRecover(one, previous, { round, part }, duration);
      }
    });
    progress(`${CUTS} cuts, boots and pushes took ${secondsSince(startedAt)} s`);
  });

  /** Cuts the power during a push, boots, and pushes again. @returns the new state */
  async function cutAndRecover(
    one: PushedMachine,
    before: State | null,
    { round, part }: Cut,
    duration: number,
  ): Promise<State> {
    let previous = before;
    if (round % FIRST_PUSH_EVERY === 0) {
      await one.remove();
      previous = null;
    }
    const next = STATES[(round + 1) % 2] as State;
    const moment = Math.round(part * duration);
    const what = `${one.name}, cut ${round}, ${previous === null ? "first push, " : ""}after ${moment} ms`;
    const program = one.startPush(next);
    await sleep(moment);
    await cutPower(one);
    // Kill the push program, which would reconnect and confirm.
    program.kill("SIGKILL");
    if (program.exitCode === null && program.signalCode === null) await once(program, "exit");
    const off = Date.now();
    await boot(one);
    const found = await one.inspect();
    const state = [previous, next].find(
      (it) => found.live === (it === null ? "" : one.configOf(it)),
    );
    assert.notEqual(
      state,
      undefined,
      `${what}: neither the old nor the new file: ${found.live.length} bytes`,
    );
    one.assertRuns(state ?? null, found, what);
    const up = secondsSince(off);
    await one.converge(next);
    await one.assertConverged(next, what);
    progress(
      `${what}: ${state === next ? "new" : "old"} (boot ${up} s, all ${secondsSince(off)} s)`,
    );
    return next;
  }

  describe("as a whole", () => {
    let leaks: LeakWatch;
    // Only now, because sampling all processes would slow the emulated boots down.
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
