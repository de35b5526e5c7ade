/**
 * F5, F20: the push program, the host's processes or the whole host are killed at random moments. The host always has
 * either the complete old or the complete new config, and the next push converges. The seed is in the title; FAULT_SEED=7
 * sets it. Needs root.
 */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Lab } from "../../../scripts/lab/lab";
import { APPLIED, DROP_IN, HostSession, LIVE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, push, requestFor, startPush } from "../support/pushing";
import { generator, FAULT_SEED } from "../support/random";

describe(`a push that is killed at random moments (seed ${FAULT_SEED})`, function () {
  this.timeout(300_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const random = generator(FAULT_SEED);
  const [even, odd] = [1310, 1320].map((mtu): WantedState => ({
    config: configOf("relay", "10.0.0.1/24", [`MTU = ${mtu}`]),
  })) as [WantedState, WantedState];
  const stateOf = (round: number): WantedState => (round % 2 === 0 ? even : odd);

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-killed" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
  });
  after(() => lab.down());

  /** The duration in milliseconds. */
  async function measured(work: () => Promise<unknown>): Promise<number> {
    const startedAt = Date.now();
    await work();
    return Date.now() - startedAt;
  }

  async function assertOldOrNew(moment: string): Promise<void> {
    const live = await session.run(`cat ${LIVE}`);
    assert.ok(
      [even, odd].some(({ config }) => config.trimEnd() === live),
      `${moment}: ${live}`,
    );
  }

  async function assertRuns(wanted: WantedState, moment: string): Promise<void> {
    const shown = await session.run(`cat ${LIVE}; cat /sys/class/net/wg0/mtu`);
    const mtu = /MTU = (\d+)/.exec(wanted.config)?.[1] ?? "";
    assert.equal(shown, `${wanted.config.trimEnd()}\n${mtu}`, moment);
  }

  it("F20: converges with the next push after the push program was killed, 20 times", async () => {
    const request = (at: number) => requestFor(lab, "relay", { config: stateOf(at).config });
    const pushed = async (at: number): Promise<void> => {
      const done = await push(lab, "apply", request(at));
      assert.equal(done.code, 0, done.stderr);
    };
    await pushed(0);
    const duration = await measured(() => pushed(1));
    for (let round = 0; round < 20; round++) {
      const moment = Math.round(random() * duration);
      const program = startPush(lab, request(round));
      program.stdout?.resume();
      program.stderr?.resume();
      await sleep(moment);
      program.kill("SIGKILL");
      if (program.exitCode === null && program.signalCode === null) await once(program, "exit");
      await assertOldOrNew(`killed after ${moment} ms`);
      await pushed(round);
      await assertRuns(stateOf(round), `killed after ${moment} ms`);
    }
    assert.equal((await session.observe()).pending, null);
  });

  it("F5: converges with the next push after the host's processes were killed or it rebooted, 20 times", async () => {
    await session.remove();
    await session.converge(even);
    const duration = await measured(() => session.converge(odd));
    for (let round = 0; round < 20; round++) {
      const wanted = stateOf(round);
      const moment = Math.round(random() * duration);
      const work = session.apply(wanted).then(
        ({ token }) => session.confirm(token).catch(() => undefined),
        () => undefined,
      );
      await sleep(moment);
      const how = random() < 0.5 ? "killed" : "rebooted";
      if (how === "killed")
        await lab.exec("relay", ["pkill", "-KILL", "-x", "sh|setsid|wg-quick|wg|ip"]);
      else await lab.reboot("relay");
      await work;
      await assertOldOrNew(`${how} after ${moment} ms`);
      await session.converge(wanted);
      await assertRuns(wanted, `${how} after ${moment} ms`);
    }
  });

  it("F5: keeps forwarding off although the power failed just after it was turned off", async () => {
    await session.converge({ ...even, forwarding: true });
    await session.apply({ ...even, forwarding: false });
    await session.waitUntil(`[ -e ${APPLIED} ]`);
    await lab.reboot("relay");
    // Like the sysctl service at boot: nothing was confirmed, so the file still exists.
    await session.run(`sysctl -p ${DROP_IN}`);
    assert.equal(await session.run("cat /proc/sys/net/ipv4/ip_forward"), "1");
    await session.converge({ ...even, forwarding: false });
    assert.equal(await session.run("cat /proc/sys/net/ipv4/ip_forward"), "0");
  });

  it("leaks no secret", () => leaks.end());
});
