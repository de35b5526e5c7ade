/**
 * F5: the programs that carry out a change on the host are killed after each of its steps: the supervisor, its guard, both, or
 * both with the login. The host undoes the change by itself or at the next boot, without a gap in the tunnels. Needs root.
 */
import * as assert from "node:assert/strict";
import { assertWithin } from "../../support/time-limits";
import { APPLIED, RUN, type WantedState } from "../support/host-protocol";
import { keyPairFor } from "../support/pushing";
import { peerLines, WorkingNetwork } from "../support/working-network";

const LIMIT_S = 90;
const EITHER = "'[h]ost.sh (guard|supervise)'";

describe("a change that is killed on the host", function () {
  this.timeout(240_000);
  let net: WorkingNetwork;
  let previous: WantedState;
  let next: WantedState;
  before(async () => {
    net = await WorkingNetwork.up("test-f-killed-host");
    const stays = peerLines("nas", "10.0.0.8/32, 192.168.50.0/24", "203.0.113.77:51820");
    const goes = peerLines("old", "10.0.0.9/32");
    const comes = peerLines("new", "10.0.0.9/32, 192.168.51.0/24");
    const moved = peerLines("nas", "10.0.0.8/32", "203.0.113.78:51820");
    previous = net.relayState({ peers: [...stays, ...goes] });
    // All kinds of steps: peers, endpoint, addresses, routes, MTU, sysctl.
    next = {
      ...net.relayState({ more: ["MTU = 1390"], peers: [...moved, ...comes] }),
      forwarding: { ipv4: true, ipv6: true },
      probes: ["10.0.0.8"],
    };
    next.config = next.config.replace(
      "Address = 10.0.0.1/24",
      "Address = 10.0.0.1/24, 10.9.0.1/24",
    );
  });
  beforeEach(async () => {
    await net.relay.converge(previous);
  });
  after(() => net.lab.down());

  /** Edits the host program to kill itself after this number of steps. */
  const killedAfter = (part: "apply" | "undo", steps: number) => (program: string) =>
    replaced(
      replaced(program, 'do run_step "$1" $step', 'do counted "$1" $step'),
      "\nrun_steps() {",
      `
counted() {
  run_step "$@" || return 1
  [ "$1" != ${part} ] || [ $((steps_done = \${steps_done-0} + 1)) != ${steps} ] || kill -KILL $$
}
run_steps() {`,
    );

  async function stepsOf(part: "apply" | "undo"): Promise<number> {
    const plan = await net.relay.plan(next);
    assert.ok(plan.kind === "change");
    const steps = plan.change[part].length;
    assert.ok(steps >= 4, `only ${steps} steps`);
    return steps;
  }

  it("after each of its steps is undone by its guard", async () => {
    const steps = await stepsOf("apply");
    for (let step = 1; step <= steps; step++) {
      const before = await net.relay.snapshot();
      await net.undisturbed(async () => {
        const startedAt = Date.now();
        const { token } = await net.relay.apply({ ...next, program: killedAfter("apply", step) });
        await net.relay.waitUntilUndone(token);
        assertWithin(LIMIT_S, startedAt);
      });
      assert.equal(await net.relay.snapshot(), before, `after step ${step}`);
      const { complaint } = await net.relay.confirm("0".repeat(32));
      assert.match(complaint, /was undone: the program that carried it out was killed/);
      assert.equal((await net.relay.apply(previous)).outcome, "unchanged", `after step ${step}`);
    }
  });

  it("and whose undo is killed after each of its steps is undone by the next push", async () => {
    const steps = await stepsOf("undo");
    for (let step = 1; step <= steps; step++) {
      const before = await net.relay.snapshot();
      await net.undisturbed(async () => {
        const { token } = await net.relay.apply({
          ...{ ...next, timeout: 1 },
          program: killedAfter("undo", step),
        });
        await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
        // The guard tries too, and is killed as well.
        await net.relay.waitUntil(`! pgrep -f ${EITHER}`);
        assert.equal(await net.relay.run(`cat ${RUN}/pending 2>/dev/null || true`), token);
        assert.equal(await net.relay.converge(previous), "unchanged");
      });
      assert.equal(await net.relay.snapshot(), before, `after step ${step} of the undo`);
    }
  });

  it("and loses only its guard can be confirmed", async () => {
    const { token } = await net.relay.apply(next);
    await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
    await net.undisturbed(async () => {
      await net.relay.run("pkill -KILL -f '[h]ost.sh guard'");
      assert.equal((await net.relay.confirm(token)).outcome, "confirmed");
    });
    assert.equal((await net.relay.apply(next)).outcome, "unchanged");
  });

  it("and loses only its guard is undone by the supervisor if it is not confirmed", async () => {
    const before = await net.relay.snapshot();
    await net.undisturbed(async () => {
      const { token } = await net.relay.apply({ ...next, timeout: 10 });
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      await net.relay.run("pkill -KILL -f '[h]ost.sh guard'");
      await net.relay.waitUntilUndone(token);
    });
    assert.equal(await net.relay.snapshot(), before);
  });

  it("after each step, with guard and login, is undone at the next boot", async () => {
    const steps = await stepsOf("apply");
    for (let step = 1; step <= steps; step += 2) {
      const before = await net.relay.run("cat /etc/wireguard/wg0.conf");
      await net.relay.apply({
        ...next,
        program: (text) =>
          replaced(
            killedAfter("apply", step)(text),
            '\n  result "the program that carried it out was killed, or',
            '\n  kill -KILL $$\n  result "or',
          ),
      });
      await net.relay.waitUntil(`! pgrep -f ${EITHER}`);
      await net.lab.reboot("relay");
      await net.relay.run(
        "cat /etc/sysctl.d/*wireguard-mesh* | sysctl -q -p -; wg-quick up wg0 2>&1",
      );
      assert.equal(await net.relay.run("cat /etc/wireguard/wg0.conf"), before);
      assert.equal((await net.relay.apply(previous)).outcome, "unchanged", `after step ${step}`);
    }
    await net.assertWorks();
  });

  it("with guard and login is undone by the next push, without a boot", async () => {
    const before = await net.relay.snapshot();
    await net.undisturbed(async () => {
      await net.relay.apply(next);
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      await net.relay.run(`pkill -KILL -f ${EITHER}`);
      assert.equal((await net.relay.apply(previous)).outcome, "unchanged");
    });
    assert.equal(await net.relay.snapshot(), before);
  });

  it("with guard and login is kept by a push of the same config through an address of it", async () => {
    await net.undisturbed(async () => {
      await net.relay.apply(next);
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      await net.relay.run(`pkill -KILL -f ${EITHER}`);
      assert.equal(
        (await net.relay.apply({ ...previous, sendsDigest: true })).outcome,
        "unchanged",
      );
      const { token } = await net.relay.apply(next);
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      await net.relay.run(`pkill -KILL -f ${EITHER}`);
      assert.equal((await net.relay.apply({ ...next, sendsDigest: true })).outcome, "kept");
      assert.equal((await net.relay.record()).token, token);
    });
    assert.equal((await net.relay.apply(next)).outcome, "unchanged");
  });

  it("in the middle of its commit, with the login, is finished by the next push, also after a boot", async () => {
    for (const mended of ["push", "boot"] as const) {
      await net.relay.converge(previous);
      const { token } = await net.relay.apply(next);
      await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
      // The third rename of the commit hangs: after the mark and the live file.
      await net.relay.run(
        'printf \'#!/bin/sh\\nn=$(($(cat /run/moves 2>/dev/null || echo 0) + 1)); echo $n >/run/moves\\n[ $n != 3 ] || pkill -KILL -xf "sh -s"\\nexec /usr/bin/mv "$@"\\n\' >/usr/local/bin/mv; chmod 755 /usr/local/bin/mv',
      );
      assert.equal((await net.relay.confirm(token)).outcome, undefined);
      await net.relay.run("rm /usr/local/bin/mv /run/moves");
      if (mended === "boot") {
        await net.lab.reboot("relay");
        await net.relay.run("wg-quick up wg0 2>&1");
        await net.relay.converge(next);
      }
      assert.equal((await net.relay.apply(next)).outcome, "unchanged", mended);
      const { endpoints } = await net.relay.record();
      assert.equal(endpoints.get(keyPairFor("nas").publicKey), "203.0.113.78:51820");
    }
  });

  it("leaks no secret", () => net.leaks.end());
});

function replaced(text: string, from: string, to: string): string {
  const parts = text.split(from);
  assert.equal(parts.length, 2, from);
  return parts.join(to);
}
