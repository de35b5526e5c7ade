/**
 * Moves hosts that are reached only through the tunnel, and kills the engine, its program, plugin and pushes at random moments:
 * one more up reaches the hosts, at the former place or the new one.
 */
import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { engineProcesses, killAll } from "./engine-processes";
import { meshLab, type MeshLab } from "./mesh-lab";
import { openSession, type MeshSession } from "./mesh-session";
import { FAULT_SEED, faultRounds, generator } from "./random";
import { canPingSoon } from "./small-world";
import { setConfig } from "./stack-edits";
import { startedUp } from "./started-up";
import { leaveTunnelOnly, RELAYS, type twoRelays } from "./two-relays";

const ROUNDS = faultRounds(3);
const KINDS = ["address", "home relay", "port"] as const;
/** The engine's output when the first push starts. */
const PUSHING = /push-command updating/;

interface Moved {
  name: string;
  address: string;
  home: keyof typeof RELAYS;
}

interface Moves {
  title: string;
  id: string;
  scenario: typeof twoRelays;
  hosts: readonly string[];
}

/** Defines the tests. The seed is in their title. */
export function testKilledMoves({ title, id, scenario, hosts }: Moves): void {
  describe(`${title} (seed ${FAULT_SEED})`, function () {
    this.timeout(300_000);
    // Each round starts from the state that the previous one left.
    this.bail(true);
    const random = generator(FAULT_SEED);
    let mesh: MeshLab;
    let session: MeshSession;
    /** Milliseconds from the first push to the end of a whole run. */
    let duration = 0;
    let last = 50;
    const all = hosts.map((name): Moved => ({ name, address: "", home: "relay" }));
    const ports = { relay: 51820, osaka: 51820 };

    before(async () => {
      mesh = await meshLab(scenario, id);
      session = await openSession(mesh);
      await leaveTunnelOnly(mesh, session, hosts);
    });
    after(() => mesh.lab.down());

    it("converges if it is not killed", async () => {
      all.forEach(readdress);
      const run = await startedUp(mesh, PUSHING);
      const begun = Date.now();
      assert.equal(await run.ended, 0);
      duration = Date.now() - begun;
      await assertConverged();
    });

    const shift = Math.floor(random() * KINDS.length);
    for (let round = 1; round <= ROUNDS; round++) {
      const part = random();
      // In every second round all hosts move in the same way; the seed decides which.
      const kinds = all.map((_, at) => KINDS[(shift + round + (round % 2) * at) % KINDS.length]);
      const changes = [...new Set(kinds)].join(", ");
      it(`F20: to another ${changes}, after ${Math.round(part * 100)} % of the pushes: one more up reaches the host`, async () => {
        const moving = (kind: (typeof KINDS)[number]) => all.filter((_, at) => kinds[at] === kind);
        moving("address").forEach(readdress);
        moving("home relay").forEach(rehome);
        new Set(moving("port").map(({ home }) => home)).forEach(changePort);
        const run = await startedUp(mesh, PUSHING);
        await sleep(part * duration);
        killAll(
          engineProcesses(mesh.lab).filter(({ name, commandLine }) =>
            /pulumi|push\/main\.js/.test(`${name} ${commandLine}`),
          ),
        );
        await run.ended;
        // The next up moves it to the same address, or to a third one.
        for (const host of moving("address")) if (random() < 0.5) readdress(host);
        const up = await session.command("up", "--yes", "--skip-preview", "--json");
        assert.equal(up.code, 0, `${up.stdout}${up.stderr}`);
        await assertConverged();
      });
    }

    it("leaks no secret", () => session.leaks.end());

    function readdress(host: Moved): void {
      host.address = `10.0.0.${++last}`;
      setConfig(mesh.stack, ["peers", host.name, "address"], host.address);
    }

    function rehome(host: Moved): void {
      host.home = host.home === "relay" ? "osaka" : "relay";
      setConfig(mesh.stack, ["peers", host.name, "relay"], host.home);
      setConfig(mesh.stack, ["peers", host.name, "host"], `root@via:${host.home}`);
    }

    function changePort(home: keyof typeof RELAYS): void {
      ports[home] = ports[home] === 51820 ? 51999 : 51820;
      setConfig(mesh.stack, ["relays", home, "listenPort"], ports[home]);
    }

    async function assertConverged(): Promise<void> {
      for (const { name, address, home } of all) {
        const shown = await session.on(
          name,
          "ip -br -4 addr show wg0; cat /etc/wireguard/wg0.conf",
        );
        assert.ok(shown.includes(` ${address}/24`), shown);
        assert.ok(shown.includes(`\nAddress = ${address}/24`), shown);
        assert.ok(shown.includes(`\nEndpoint = ${RELAYS[home]}:${ports[home]}`), shown);
        assert.equal(await canPingSoon(mesh.lab, "laptop", address), true);
      }
    }
  });
}
