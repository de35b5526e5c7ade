/** Fifty hosts behind one relay with sshd's default limits: logins take turns, and no host fails. Needs root. */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import { type CommandResult } from "../../../scripts/lab/process";
import type { ScenarioConfig, Scenario } from "../../../scripts/lab/scenario";
import { LeakWatch } from "../support/leak-watch";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded } from "../support/mesh-session";
import { setConfig } from "../support/stack-edits";

const COUNT = 50;
const PEERS = Array.from({ length: COUNT }, (_, index) => `p${index + 1}`);
// All at once, like the engine's default on a machine with a dozen processors.
const UP = ["up", "--yes", "--skip-preview", "--continue-on-error", "--parallel", "64"];

const scenario: Pick<Scenario, "world" | "config"> = {
  world: {
    hosts: {
      relay: { public: "203.0.113.10" },
      ...Object.fromEntries(PEERS.map((name, at) => [name, { public: `203.0.113.${101 + at}` }])),
    },
  },
  config: (lab): ScenarioConfig => ({
    network: { cidr: "10.0.0.0/24" },
    relays: { relay: { address: "10.0.0.1", host: "root@203.0.113.10" } },
    peers: Object.fromEntries(
      PEERS.map((name, at) => [
        name,
        { address: `10.0.0.${101 + at}`, host: `root@${lab.managementAddress(name)}` },
      ]),
    ),
  }),
};

describe("fifty hosts behind one relay", function () {
  this.timeout(600_000);
  let mesh: MeshLab;
  let leaks: LeakWatch;

  before(async () => {
    mesh = await meshLab(scenario, "test-many-hosts");
    leaks = await LeakWatch.forStack(mesh);
    succeeded(await timed("the first push, each host directly", () => pulumi(...UP)));
    for (const name of PEERS) setConfig(mesh.stack, ["peers", name, "host"], "root@via:relay");
  });
  after(() => mesh.lab.down());

  it("F28: all get a push through it at once, and no login is dropped", async () => {
    setConfig(mesh.stack, ["network", "mtu"], 1380);
    const before = mesh.lab.logins("relay");
    const dropsBefore = drops();
    const up = await timed("fifty pushes through the relay", () => pulumi(...UP));
    succeeded(up);
    assert.doesNotMatch(up.stdout + up.stderr, /cannot be reached/);
    assert.equal(drops() - dropsBefore, 0);
    // Two for the relay's own push, and two for each host: one to change it, one to confirm.
    assert.equal(mesh.lab.logins("relay") - before, 2 + 2 * COUNT);
    const mtus = await Promise.all(
      PEERS.map((name) => mesh.lab.exec(name, ["cat", "/sys/class/net/wg0/mtu"])),
    );
    assert.deepEqual([...new Set(mtus.map(({ stdout }) => stdout.trim()))], ["1380"]);
  });

  it("F28: would exceed sshd's connection limit if they logged in at once", async () => {
    const dropsBefore = drops();
    // Unauthenticated connections, which last until the shell ends.
    const connect = "for i in $(seq 50); do exec {door}<>/dev/tcp/203.0.113.10/22; done; read -r";
    const holder = mesh.lab.spawn("operator", ["bash", "-c", connect], { stdio: "pipe" });
    const dropped = await poll(() => (drops() > dropsBefore ? true : undefined), {
      limitMs: 15_000,
      pauseMs: 10,
    });
    holder.stdin?.end("\n");
    assert.equal(dropped, true);
  });

  it("leaks no secret", () => leaks.end());

  /** The number of connections that sshd has dropped (sshd.c, drop_connection). */
  function drops(): number {
    return mesh.lab.sshLog("relay").match(/drop connection #/g)?.length ?? 0;
  }

  async function timed(what: string, work: () => Promise<CommandResult>): Promise<CommandResult> {
    const startedAt = Date.now();
    const done = await work();
    console.log(`      ${what}: ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
    return done;
  }

  async function pulumi(...args: string[]): Promise<CommandResult> {
    const done = await mesh.pulumi(...args);
    leaks.add(`output of pulumi ${args.join(" ")}`, done.stdout + done.stderr);
    return done;
  }
});
