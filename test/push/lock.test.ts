/** Two pushes to one host never run concurrently, and a killed push does not block the next one. */
import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import { withPushLock } from "../../scripts/push/lock";

/** Unique to this test run, so that concurrent runs on this machine do not share locks. */
const OWNER = `wireguard-mesh/test-${process.pid}`;
const ROOT = path.join(__dirname, "../..");
/** A process that takes a push lock, prints "held" and keeps it until it is killed. */
const HOLDER = `
  const { withPushLock } = require("./dist/scripts/push/lock");
  const [, owner, node] = process.argv;
  void withPushLock({ owner, node }, () => {
    process.stdout.write("held\\n");
    return new Promise(() => setInterval(() => undefined, 60_000));
  });`;

/** Starts a process that holds the lock until it is killed. */
async function startHolder(node: string) {
  const holder = spawn(process.execPath, ["-e", HOLDER, OWNER, node], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  return holder;
}

describe("the lock of a push", () => {
  it("starts work on a host only when the previous work has ended", async () => {
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

  it("does not block pushes to two hosts at once", async () => {
    const both = await withPushLock({ owner: OWNER, node: "a" }, () =>
      withPushLock({ owner: OWNER, node: "b" }, () => Promise.resolve("both"), { waitMs: 0 }),
    );
    assert.equal(both, "both");
  });

  it("fails after the time limit with a message that begins with the node", async () => {
    await withPushLock({ owner: OWNER, node: "a" }, async () => {
      const second = withPushLock({ owner: OWNER, node: "a" }, () => Promise.resolve(), {
        waitMs: 0,
      });
      await assert.rejects(second, /^PushError: a: another push to this host is still at work/);
    });
  });

  it("is released when its holder is killed", async () => {
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
