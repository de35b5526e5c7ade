/**
 * An up that moves a host to another tunnel address is killed at random moments, with its program, plugin and pushes. Only
 * the tunnel leads to the host: one more up reaches it, at the old address or the new one. The seed is in the title;
 * FAULT_SEED=7 sets it. Needs root.
 */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { engineProcesses, killAll } from "../support/engine-processes";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "../support/mesh-session";
import { FAULT_SEED, generator } from "../support/random";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";

const ROUNDS = 5;
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

  before(async () => {
    mesh = await meshLab(relay, "test-killed-moves");
    session = await openSession(mesh);
    setConfig(mesh.stack, ["network", "persistentKeepalive"], 5);
    succeeded(await session.pulumi(...UP));
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  it("is whole if it is left alone", async () => {
    const run = await startedUp("10.0.0.50");
    const begun = Date.now();
    assert.equal(await run.ended, 0);
    duration = Date.now() - begun;
    await converged("10.0.0.50");
  });

  for (let round = 1; round <= ROUNDS; round++) {
    const part = random();
    it(`F20: after ${Math.round(part * 100)} % of the pushes: one more up reaches the host`, async () => {
      const killed = `10.0.0.${50 + 2 * round}`;
      const run = await startedUp(killed);
      await sleep(part * duration);
      killAll(
        engineProcesses(mesh.lab).filter(({ name, commandLine }) =>
          /pulumi|push\/main\.js/.test(`${name} ${commandLine}`),
        ),
      );
      await run.ended;
      // To where it was going, or elsewhere.
      const next = round % 2 === 0 ? killed : `10.0.0.${51 + 2 * round}`;
      setConfig(mesh.stack, ["peers", "desktop", "address"], next);
      const up = await session.command("up", "--yes", "--skip-preview", "--json");
      assert.equal(up.code, 0, `${up.stdout}${up.stderr}`);
      await converged(next);
    });
  }

  it("leaks no secret", () => session.leaks.end());

  /** An up to this address whose first push has begun. */
  async function startedUp(address: string): Promise<{ ended: Promise<number | null> }> {
    setConfig(mesh.stack, ["peers", "desktop", "address"], address);
    const argv = ["pulumi", ...UP, "--non-interactive"];
    const engine = mesh.lab.spawn("operator", argv, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(engine, "exit").then(([code]) => code as number | null);
    let output = "";
    engine.stderr?.resume();
    await new Promise<void>((resolve, reject) => {
      engine.stdout?.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (PUSHING.test(output)) resolve();
      });
      void ended.then(() => {
        reject(new Error(`no push began: ${output}`));
      });
    });
    return { ended };
  }

  async function converged(address: string): Promise<void> {
    const shown = await session.on(
      "desktop",
      "ip -br -4 addr show wg0; cat /etc/wireguard/wg0.conf",
    );
    assert.ok(shown.includes(` ${address}/24`), shown);
    assert.ok(shown.includes(`\nAddress = ${address}/24`), shown);
    assert.equal(await canPingSoon(mesh.lab, "laptop", address), true);
  }
});
