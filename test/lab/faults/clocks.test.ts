/** Clocks that are wrong, go back or cannot be read: nothing in a push depends on them. Needs root. */
import * as assert from "node:assert/strict";
import { hostProgram } from "../../../scripts/push/host-program";
import { APPLIED, RUN, type WantedState } from "../support/host-protocol";
import { WorkingNetwork } from "../support/working-network";

const UPTIME = "/proc/uptime";
const BOOT_ID = "/proc/sys/kernel/random/boot_id";

describe("a host whose clocks are wrong", function () {
  this.timeout(180_000);
  let net: WorkingNetwork;
  let round = 0;
  before(async () => {
    net = await WorkingNetwork.up("test-f-clocks");
  });
  after(() => net.lab.down());

  /** Another state at each call. */
  const another = (): WantedState => net.relayState({ more: [`MTU = ${1300 + round++}`] });

  /** Mounts a text over a file of /proc. */
  const fake = (file: string, text: string): Promise<string> =>
    net.relay.run(
      `printf '${text}' >/run/fake; cp /run/fake /run/fake.${round}; mount --bind /run/fake.${round} ${file}`,
    );
  const real = (file: string): Promise<string> =>
    net.relay.run(`while grep -q " ${file} " /proc/self/mountinfo; do umount ${file}; done`);

  it("is never asked for its uptime", () => {
    assert.doesNotMatch(hostProgram(), /uptime/);
  });

  for (const [what, text] of [
    ["is set back while /run stays, as in a container", "12.34 5.00\\n"],
    ["has one decimal", "123456.7 1.0\\n"],
    ["is unreadable", ""],
    ["is nonsense", "no time\\n"],
  ] as const) {
    it(`is pushed to when its uptime ${what}, and undoes what is not confirmed`, async () => {
      await net.undisturbed(async () => {
        assert.equal(await net.relay.converge(another()), "confirmed");
        await fake(UPTIME, text);
        try {
          assert.equal(await net.relay.converge(another()), "confirmed");
          const before = await net.relay.snapshot();
          const { token } = await net.relay.apply({ ...another(), timeout: 1 });
          await net.relay.waitUntilUndone(token);
          assert.equal(await net.relay.snapshot(), before);
        } finally {
          await real(UPTIME);
        }
      });
    });
  }

  it("undoes an unconfirmed change of another boot whose /run stays, as in a container", async () => {
    const before = await net.relay.snapshot();
    const { token } = await net.relay.apply(another());
    await net.relay.waitUntil(`[ -e ${APPLIED} ]`);
    // All processes of the push are gone, as after a restart of the container.
    await net.relay.run("pkill -KILL -f '[h]ost.sh (guard|supervise)'; true");
    await fake(BOOT_ID, "00000000-0000-4000-8000-000000000000\\n");
    try {
      assert.equal((await net.relay.confirm(token, "nothing")).outcome, undefined);
      const wanted = another();
      assert.equal(await net.relay.converge(wanted), "confirmed");
      assert.equal((await net.relay.apply(wanted)).outcome, "unchanged");
      assert.equal(await net.relay.run(`ls ${RUN}/pending 2>/dev/null || true`), "");
    } finally {
      await real(BOOT_ID);
    }
    await net.relay.converge(net.relayState());
    assert.notEqual(before, "");
  });

  for (const [what, script] of [
    ["an hour behind", "echo $(($(/usr/bin/date +%%s) - 3600))"],
    ["years ahead", "echo $(($(/usr/bin/date +%%s) + 300000000))"],
    ["unreadable", "exit 1"],
  ] as const) {
    it(`is pushed to when its date is ${what}: the undo comes after as many seconds as without`, async () => {
      await net.relay.run(
        `printf '#!/bin/sh\\n${script}\\n' >/usr/local/bin/date; chmod 755 /usr/local/bin/date`,
      );
      await net.undisturbed(async () => {
        try {
          assert.equal(await net.relay.converge(another()), "confirmed");
          const startedAt = performance.now();
          const { token } = await net.relay.apply({ ...another(), timeout: 3 });
          await net.relay.waitUntilUndone(token);
          assert.ok(performance.now() - startedAt >= 3_000, "undone too early");
        } finally {
          await net.relay.run("rm /usr/local/bin/date");
        }
      });
    });
  }

  it("leaks no secret", () => net.leaks.end());
});
