/** Logins through one machine take turns across processes; a killed process frees its turn. */
import * as assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";
import type { HostTarget, SshHop } from "../../mesh/push-request";
import { LOGINS_AT_ONCE } from "../../scripts/push/limits";
import { takeTurn, type Turn } from "../../scripts/push/login-turns";

const ROOT = path.join(__dirname, "../..");
/** A process that takes a login turn, prints "held" and keeps it until it is killed. */
const HOLDER = `
  const { takeTurn } = require("./dist/scripts/push/login-turns");
  const [, address] = process.argv;
  const hop = { user: "root", address, port: 22, hostKeys: [] };
  void takeTurn({ kind: "ssh", hop, via: [hop] }, false).then(() => {
    process.stdout.write("held\\n");
    setInterval(() => undefined, 60_000);
  });`;

/** Addresses that are unique to this test run, so that concurrent runs on this machine do not interfere. */
function through(name: string): HostTarget {
  return { kind: "ssh", hop: hop("host"), via: [hop(jump(name))] };
}
const jump = (name: string): string => `${name}.${process.pid}.test`;
function hop(address: string): SshHop {
  return { user: "root", address, port: 22, hostKeys: [], authority: null };
}

async function fill(name: string): Promise<Turn[]> {
  return Promise.all(
    Array.from({ length: LOGINS_AT_ONCE - 2 }, () => takeTurn(through(name), false)),
  );
}

describe("login turns", () => {
  it("stay below sshd's default limit, and every login gets one", async () => {
    let now = 0;
    let most = 0;
    let done = 0;
    const login = async (): Promise<void> => {
      const turn = await takeTurn(through("many"), false);
      now += 1;
      most = Math.max(most, now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now -= 1;
      done += 1;
      turn.end();
    };
    await Promise.all(Array.from({ length: 50 }, login));
    assert.deepEqual([done, most], [50, LOGINS_AT_ONCE - 2]);
  });

  it("are freed when their holder is killed", async () => {
    const holder = spawn(process.execPath, ["-e", HOLDER, jump("killed")], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout, "data");
    const others = await Promise.all(
      Array.from({ length: LOGINS_AT_ONCE - 3 }, () => takeTurn(through("killed"), false)),
    );
    let started = false;
    const next = takeTurn(through("killed"), false).then((turn) => {
      started = true;
      return turn;
    });
    // One round of the event loop for each place that it may have tried.
    for (let round = 0; round < 50; round += 1) await new Promise(setImmediate);
    assert.equal(started, false);
    holder.kill("SIGKILL");
    (await next).end();
    for (const turn of others) turn.end();
  });

  it("come at once for an urgent login, although all others wait", async () => {
    const held = await fill("urgent");
    const urgent = await takeTurn(through("urgent"), true);
    assert.ok(urgent.waitedMs < 1000, `${urgent.waitedMs} ms`);
    for (const turn of [...held, urgent]) turn.end();
  });

  it("are not needed for a login without a jump", async () => {
    const held = await fill("direct");
    const direct = await takeTurn({ kind: "ssh", hop: hop(jump("direct")), via: [] }, false);
    const local = await takeTurn({ kind: "local" }, false);
    assert.ok(direct.waitedMs + local.waitedMs < 1000);
    for (const turn of held) turn.end();
  });
});
