/**
 * An up that moves a host to another address, home relay or port of its relay is killed at random moments, with its program, plugin
 * and pushes. Only the tunnel leads to the host: one more up reaches it, by the former way or the new one. The seed is in the
 * title; FAULT_SEED=7 sets it, FAULT_ROUNDS=20 the number of kills. Needs root.
 */
import * as assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { engineProcesses, killAll } from "../support/engine-processes";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { openSession, type MeshSession } from "../support/mesh-session";
import { FAULT_SEED, faultRounds, generator } from "../support/random";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";
import { startedUp } from "../support/started-up";
import { leaveTunnelOnly, twoRelays } from "../support/two-relays";

const ROUNDS = faultRounds(6);
const KINDS = ["address", "home relay", "port"] as const;
/** The engine's output when the first push starts. */
const PUSHING = /push-command updating/;

describe(`a move that is killed at random moments (seed ${FAULT_SEED})`, function () {
  this.timeout(300_000);
  // Each round starts from the state that the previous one left.
  this.bail(true);
  const random = generator(FAULT_SEED);
  let mesh: MeshLab;
  let session: MeshSession;
  /** Milliseconds from the first push to the end of a whole run. */
  let duration = 0;
  let last = 50;
  let address = "10.0.0.2";
  let home: "relay" | "osaka" = "relay";
  const ports = { relay: 51820, osaka: 51820 };

  before(async () => {
    mesh = await meshLab(twoRelays, "test-killed-moves");
    session = await openSession(mesh);
    await leaveTunnelOnly(mesh, session);
  });
  after(() => mesh.lab.down());

  it("is whole if it is left alone", async () => {
    move("address");
    const run = await startedUp(mesh, PUSHING);
    const begun = Date.now();
    assert.equal(await run.ended, 0);
    duration = Date.now() - begun;
    await converged();
  });

  for (let round = 1; round <= ROUNDS; round++) {
    const part = random();
    const kind = KINDS[round % KINDS.length] ?? "address";
    it(`F20: to another ${kind}, after ${Math.round(part * 100)} % of the pushes: one more up reaches the host`, async () => {
      move(kind);
      const run = await startedUp(mesh, PUSHING);
      await sleep(part * duration);
      killAll(
        engineProcesses(mesh.lab).filter(({ name, commandLine }) =>
          /pulumi|push\/main\.js/.test(`${name} ${commandLine}`),
        ),
      );
      await run.ended;
      // To where it was going, or to a third address.
      if (kind === "address" && random() < 0.5) move("address");
      const up = await session.command("up", "--yes", "--skip-preview", "--json");
      assert.equal(up.code, 0, `${up.stdout}${up.stderr}`);
      await converged();
    });
  }

  it("leaks no secret", () => session.leaks.end());

  /** Changes one thing in the config. */
  function move(kind: (typeof KINDS)[number]): void {
    switch (kind) {
      case "address":
        address = `10.0.0.${++last}`;
        setConfig(mesh.stack, ["peers", "desktop", "address"], address);
        break;
      case "home relay":
        home = home === "relay" ? "osaka" : "relay";
        setConfig(mesh.stack, ["peers", "desktop", "relay"], home);
        setConfig(mesh.stack, ["peers", "desktop", "host"], `root@via:${home}`);
        break;
      case "port":
        ports[home] = ports[home] === 51820 ? 51999 : 51820;
        setConfig(mesh.stack, ["relays", home, "listenPort"], ports[home]);
    }
  }

  async function converged(): Promise<void> {
    const shown = await session.on(
      "desktop",
      "ip -br -4 addr show wg0; cat /etc/wireguard/wg0.conf",
    );
    assert.ok(shown.includes(` ${address}/24`), shown);
    assert.ok(shown.includes(`\nAddress = ${address}/24`), shown);
    const place = home === "relay" ? "203.0.113.10" : "203.0.113.11";
    assert.ok(shown.includes(`\nEndpoint = ${place}:${ports[home]}`), shown);
    assert.equal(await canPingSoon(mesh.lab, "laptop", address), true);
  }
});
