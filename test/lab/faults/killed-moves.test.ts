/**
 * An up that moves three hosts to which only the tunnel leads, to another address, home relay or port of that, is killed at random
 * moments: pushes, or the engine with all of them, supervisor and guard on a host or a relay, the watcher of a relay. One more up
 * reaches them all, by the former way or the new one. The seed is in the title; FAULT_SEED=7 sets it. Needs root.
 */
import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { poll } from "../../../scripts/poll";
import { engineProcesses, killAll, type EngineProcess } from "../support/engine-processes";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { openSession, type MeshSession } from "../support/mesh-session";
import { FAULT_SEED, generator } from "../support/random";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";
import { startedUp } from "../support/started-up";
import { leaveTunnelOnly, RELAYS, twoRelays, withMorePeers } from "../support/two-relays";

const ROUNDS = 5;
const KILLS = 4;
const HOSTS = ["desktop", "nas", "printer"] as const;
const PATTERNS = {
  supervisor: "supervise",
  guard: "guard",
  both: "(guard|supervise)",
  watcher: "watch",
};
const VICTIMS = ["push", "supervisor", "guard", "both", "watcher"] as const;
/** The engine's output when the first push starts. */
const PUSHING = /push-command updating/;

interface Kill {
  victim: (typeof VICTIMS)[number] | "engine";
  /** Of a whole run, from the first push on. */
  part: number;
  /** Where, unless it is the operator's. */
  on: Relay | Host;
  /** From when it is there. */
  delayS: string;
}

const inWords = ({ victim, part, on }: Kill): string =>
  `${victim}${victim in PATTERNS ? ` on ${on}` : ""} from ${Math.round(part * 100)} % on`;

type Host = (typeof HOSTS)[number];
type Relay = keyof typeof RELAYS;

describe(`moves that are killed at random moments (seed ${FAULT_SEED})`, function () {
  this.timeout(300_000);
  // Each round starts from the state that the previous one left.
  this.bail(true);
  const random = generator(FAULT_SEED);
  const pick = <T>(all: readonly [T, ...T[]]): T =>
    all[Math.floor(random() * all.length)] ?? all[0];
  let mesh: MeshLab;
  let session: MeshSession;
  /** Milliseconds from the first push to the end of a whole run. */
  let duration = 0;
  let lastUsed = 50;
  let hits = 0;
  const places = new Map<Host, { address: string; home: Relay }>();
  const ports = { relay: 51820, osaka: 51820 };

  before(async () => {
    mesh = await meshLab(withMorePeers(twoRelays, ["nas", "printer"]), "test-killed-moves");
    session = await openSession(mesh);
    await leaveTunnelOnly(mesh, session, HOSTS);
  });
  after(() => mesh.lab.down());

  it("are whole if they are left alone", async () => {
    for (const host of HOSTS) move(host, { address: true, home: false });
    const run = await startedUp(mesh, PUSHING);
    const begun = Date.now();
    assert.equal(await run.ended, 0);
    duration = Date.now() - begun;
    await converged();
  });

  for (let round = 1; round <= ROUNDS; round++) {
    const kills = Array.from({ length: KILLS }, (): Kill => {
      const victim = pick(VICTIMS);
      // Hosts have no watcher.
      const on = pick<Relay | Host>(
        victim === "watcher" ? ["relay", "osaka"] : ["relay", "osaka", ...HOSTS],
      );
      return { part: random() * 0.8, victim, on, delayS: random().toFixed(2) };
    }).sort((a, b) => a.part - b.part);
    // Nothing is left to kill after the engine; without that, the up waits until the hosts have gone back.
    const last = kills.at(-1);
    if (last !== undefined && random() < 0.8) last.victim = "engine";
    it(`F20: ${kills.map(inWords).join(", ")}: one more up reaches all hosts`, async () => {
      // One host in each round gets another address and another home relay.
      const both = HOSTS[round % HOSTS.length];
      for (const host of HOSTS) {
        const address = host === both || random() < 0.5;
        move(host, { address, home: host === both || !address });
      }
      if (random() < 0.5) movePort(pick(["relay", "osaka"]));
      const run = await startedUp(mesh, PUSHING);
      const begun = Date.now();
      const ended = kills.map(async (kill) => {
        await Promise.race([run.ended, sleep(kill.part * duration - (Date.now() - begun))]);
        if (await done(kill, run.ended)) hits++;
      });
      await Promise.all([...ended, run.ended]);
      const up = await session.command("up", "--yes", "--skip-preview", "--json");
      assert.equal(up.code, 0, `${up.stdout}${up.stderr}`);
      await converged();
    });
  }

  it("killed something nearly every second time", () => {
    assert.ok(hits > (ROUNDS * KILLS) / 3, `${hits} of ${ROUNDS * KILLS}`);
  });

  it("leaks no secret", () => session.leaks.end());

  /** Changes the config of one host. */
  function move(host: Host, { address, home }: { address: boolean; home: boolean }): void {
    const before = places.get(host) ?? { address: "", home: "relay" };
    const other = before.home === "relay" ? "osaka" : "relay";
    const after = {
      address: address ? `10.0.0.${++lastUsed}` : before.address,
      home: home ? other : before.home,
    } as const;
    places.set(host, after);
    setConfig(mesh.stack, ["peers", host, "address"], after.address);
    setConfig(mesh.stack, ["peers", host, "relay"], after.home);
    setConfig(mesh.stack, ["peers", host, "host"], `root@via:${after.home}`);
  }

  function movePort(relay: Relay): void {
    ports[relay] = ports[relay] === 51820 ? 51999 : 51820;
    setConfig(mesh.stack, ["relays", relay, "listenPort"], ports[relay]);
  }

  /** Kills once there is something to kill, unless the up ends before. */
  async function done({ victim, on, delayS }: Kill, ended: Promise<unknown>): Promise<boolean> {
    let isOver = false;
    void ended.then(() => (isOver = true));
    if (victim === "push" || victim === "engine") {
      const found = await poll(() => (isOver ? [] : victims(victim)), {
        limitMs: 60_000,
        pauseMs: 20,
      });
      killAll(found ?? []);
      return found !== undefined && found.length > 0;
    }
    const pattern = `[h]ost.sh ${PATTERNS[victim]} `;
    const there = `pgrep -f '${pattern}'`;
    const script = `rm -f /run/over; until [ -e /run/over ] || ${there}; do sleep 0.02; done; sleep ${delayS}; pkill -KILL -f '${pattern}'`;
    const killer = mesh.lab.exec(on, ["sh", "-c", script], { timeoutMs: 120_000 });
    await Promise.race([killer, ended]);
    await mesh.lab.exec(on, ["touch", "/run/over"]);
    return (await killer).code === 0;
  }

  /** A push that is running, or the engine and everything that it has started. Undefined: there is none. */
  function victims(victim: "push" | "engine"): EngineProcess[] | undefined {
    const all = engineProcesses(mesh.lab);
    const pushes = all.filter(({ commandLine }) => commandLine.includes("push/main.js"));
    if (pushes.length === 0) return undefined;
    if (victim === "push") return pushes.slice(-1);
    return all.filter(({ name, commandLine }) =>
      /pulumi|push\/main\.js/.test(`${name} ${commandLine}`),
    );
  }

  async function converged(): Promise<void> {
    for (const [host, { address, home }] of places) {
      const shown = await session.on(host, "ip -br -4 addr show wg0; cat /etc/wireguard/wg0.conf");
      assert.ok(shown.includes(` ${address}/24`), shown);
      assert.ok(shown.includes(`\nAddress = ${address}/24`), shown);
      assert.ok(shown.includes(`\nEndpoint = ${RELAYS[home]}:${ports[home]}`), shown);
      assert.equal(await canPingSoon(mesh.lab, "laptop", address), true, host);
    }
  }
});
