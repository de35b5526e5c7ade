/** Two pushes to one host never interleave, and a killed one never blocks the next. */
import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import { withPushLock } from "../../scripts/push/lock";

/** A stack of this test run's own: other runs on this machine must not be met. */
const OWNER = `wireguard-mesh/test-${process.pid}`;
const HOLDER = path.join(__dirname, "support", "lock-holder.ts");

/** Another process that holds the lock until it is killed. */
async function startHolder(node: string) {
  const args = ["-r", "ts-node/register/transpile-only", HOLDER, OWNER, node];
  const holder = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(holder.stdout, "data");
  return holder;
}

describe("the lock of a push", () => {
  it("lets work on one host begin only when the former work is done", async () => {
    const order: string[] = [];
    let waited = 0;
    let release: () => void = () => undefined;
    const first = withPushLock({ owner: OWNER, node: "a" }, () => {
      order.push("first begins");
      return new Promise<void>((resolve) => {
        release = () => {
          order.push("first ends");
          resolve();
        };
      });
    });
    const onWait = (): void => {
      waited += 1;
      release();
    };
    const work = (): Promise<void> => {
      order.push("second begins");
      return Promise.resolve();
    };
    while (order.length === 0) await new Promise(setImmediate);
    await withPushLock({ owner: OWNER, node: "a" }, work, { onWait });
    await first;
    assert.deepEqual([order, waited], [["first begins", "first ends", "second begins"], 1]);
  });

  it("does not keep two hosts from being pushed to at once", async () => {
    const both = await withPushLock({ owner: OWNER, node: "a" }, () =>
      withPushLock({ owner: OWNER, node: "b" }, () => Promise.resolve("both"), { waitMs: 0 }),
    );
    assert.equal(both, "both");
  });

  it("is given up on after its time, in words that begin with the node", async () => {
    await withPushLock({ owner: OWNER, node: "a" }, async () => {
      const second = withPushLock({ owner: OWNER, node: "a" }, () => Promise.resolve(), {
        waitMs: 0,
      });
      await assert.rejects(second, /^PushError: a: another push to this host is still at work/);
    });
  });

  it("is free at once when its holder was killed", async () => {
    const holder = await startHolder("killed");
    const taken = withPushLock({ owner: OWNER, node: "killed" }, () => Promise.resolve(), {
      waitMs: 0,
    });
    await assert.rejects(taken, /still at work/);
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const free = withPushLock({ owner: OWNER, node: "killed" }, () => Promise.resolve("free"), {
      waitMs: 0,
    });
    assert.equal(await free, "free");
  });
});
