/**
 * Fifty hosts behind one relay with sshd's default limits: logins take turns, and no host fails. Then 950 devices more, and
 * policies. Needs root.
 */
import * as assert from "node:assert/strict";
import { poll } from "../../../scripts/poll";
import { type CommandResult } from "../../../scripts/lab/process";
import type { ScenarioConfig, Scenario } from "../../../scripts/lab/scenario";
import { LeakWatch } from "../support/leak-watch";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded } from "../support/mesh-session";
import { Flood, TableLoads } from "../support/flood";
import { relayPusher } from "../support/large-network";
import { setConfig } from "../support/stack-edits";
import { TcpStream } from "../support/tcp-stream";

const COUNT = 50;
const PEERS = Array.from({ length: COUNT }, (_, index) => `p${index + 1}`);
// All at once, like the engine's default on a machine with a dozen processors.
const UP = ["up", "--yes", "--skip-preview", "--continue-on-error", "--parallel", "64"];

/** Peers of the relay that never connect. */
const DEVICES = 950;
const RED = PEERS.filter((_, at) => at % 2 === 0);
const addressOf = (at: number) => `10.0.0.${101 + at}`;

const scenario: Pick<Scenario, "world" | "config"> = {
  world: {
    hosts: {
      relay: { public: "203.0.113.10" },
      ...Object.fromEntries(PEERS.map((name, at) => [name, { public: `203.0.113.${101 + at}` }])),
    },
  },
  config: (lab): ScenarioConfig => ({
    network: { cidr: "10.0.0.0/16" },
    relays: { relay: { address: "10.0.0.1", host: "root@203.0.113.10" } },
    peers: Object.fromEntries(
      PEERS.map((name, at) => [
        name,
        {
          address: addressOf(at),
          tags: [at % 2 === 0 ? "red" : "blue"],
          host: `root@${lab.managementAddress(name)}`,
        },
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

  it("keeps every open connection through a change of policy and passes nothing forbidden, with 1,000 peers", async () => {
    const { lab } = mesh;
    const pushed = await relayPusher(mesh);
    assert.equal(await pushed(), "unchanged");
    const own = ["tag:red", "tag:blue"].map((tag) => ({ from: [tag], to: [tag] }));
    const former = [...own, { from: ["tag:guest"], to: ["tag:red"], ports: ["tcp/22"] }];
    assert.equal(await pushed({ devices: DEVICES, policy: former }), "applied");
    const shown = await lab.exec("relay", ["wg", "show", "wg0", "peers"]);
    assert.equal(shown.stdout.trim().split("\n").length, COUNT + DEVICES);

    const streams = await Promise.all(
      RED.map((from, at) => {
        const to = RED[(at + 1) % RED.length] ?? from;
        return TcpStream.open(lab, from, to, addressOf(PEERS.indexOf(to)), 7000 + at, 50);
      }),
    );
    const flood = await Flood.begin(lab, {
      relay: "relay",
      pairs: PEERS.flatMap((from, at) => (at % 2 === 0 ? [] : [[from, PEERS[at - 1] ?? from]])),
      addressOf: (name) => addressOf(PEERS.indexOf(name)),
    });
    const loads = await TableLoads.begin(lab, "relay");
    const before = await flood.arrived();
    const policy = [
      ...own,
      { from: ["tag:blue"], to: ["tag:red"], ports: ["tcp/80"] },
      { from: ["tag:guest"], to: ["tag:blue"], ports: ["udp/53"] },
    ];
    assert.equal(await pushed({ devices: DEVICES, policy }), "applied");
    await Promise.all(streams.map((stream) => stream.goesOn()));
    const arrived = (await flood.arrived()) - before;
    assert.ok(arrived > 100, `${arrived} packets arrived at the relay`);
    assert.equal(await flood.passed(), 0);
    // One transaction: a packet meets the former rules or the new ones.
    assert.equal(await loads.end(), 1);
    console.log(`      ${streams.length} connections, ${arrived} forbidden packets`);
    for (const stream of streams) stream.close();
    flood.end();
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
