/**
 * F20: the engine is killed at random moments of a push, alone (its children go on as orphans) or with its program, plugin
 * and pushes. A host always has either the complete old or the complete new config, the next `up` converges, and no
 * orphan changes a host after that. The seed is in the title; FAULT_SEED=7 sets it. Needs root.
 */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { poll } from "../../../scripts/poll";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { engineProcesses, killAll } from "../support/engine-processes";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded, openSession, type MeshSession } from "../support/mesh-session";
import { faultRounds, generator, FAULT_SEED } from "../support/random";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";
import { startedUp } from "../support/started-up";

const HOSTS = ["relay", "desktop", "laptop"];
const LIVE = "/etc/wireguard/wg0.conf";
const ROUNDS = faultRounds(6);
/** The engine's output when the first push starts. */
const PUSHING = /push-command (creating|updating)/;

describe(`an up whose engine is killed at random moments (seed ${FAULT_SEED})`, function () {
  this.timeout(300_000);
  // Each round starts from the state that the previous one left.
  this.bail(true);
  const random = generator(FAULT_SEED);
  let mesh: MeshLab;
  let session: MeshSession;
  /** Host → its wg-quick file, with * in place of the MTU. */
  const files = new Map<string, string>();
  /** Milliseconds from the first push to the end of the run. */
  let duration = Infinity;
  let kills = 0;

  before(async () => {
    mesh = await meshLab(relay, "test-f-engine-killed");
    session = await openSession(mesh);
  });
  after(() => mesh.lab.down());

  it("F20: converges with the next up after the first one was killed", async () => {
    setMtu(1300);
    const moment = await killedUp("alone", 2000);
    const killedFiles = await liveFiles();
    await nextUp(moment);
    for (const [host, text] of await liveFiles()) {
      files.set(host, text.replace("MTU = 1300", "MTU = *"));
      // There was no file before.
      assert.ok(
        [text, ""].includes(killedFiles.get(host) ?? ""),
        `${moment}: ${killedFiles.get(host)}`,
      );
    }
    await converged(1300, moment);
  });

  it("F20: converges after a run that was killed while it wrote the attributes of its state", async () => {
    fs.truncateSync(`${stateFile()}.attrs`, 0);
    setMtu(1299);
    await nextUp("attributes were cut short");
    await converged(1299, "attributes were cut short");
  });

  it("measures a complete up", async () => {
    setMtu(1301);
    kills = 0;
    const { ended } = await startedUp(mesh, PUSHING);
    const startedAt = Date.now();
    assert.equal(await ended, 0);
    duration = Date.now() - startedAt;
  });

  for (let round = 1; round <= ROUNDS; round++) {
    const how = round % 2 === 1 ? "alone" : "with all";
    // Runs vary, and a later one may be faster.
    const part = 0.85 * random();
    it(`F20, F21: ${how}, after ${Math.round(part * 100)} % of the pushes: old or new config, and the next up converges`, async () => {
      const [old, killed] = [await liveMtus(), 1300 + 2 * round];
      setMtu(killed);
      const moment = await killedUp(how, part * duration);
      for (const [host, text] of await liveFiles())
        assert.ok(
          [old.get(host), killed].some((mtu) => text === fileOf(host, mtu)),
          `${moment}, ${host}: ${text}`,
        );
      // A different config than the killed run's, to detect a late orphan.
      const next = how === "alone" ? killed + 1 : killed;
      setMtu(next);
      await nextUp(moment);
      await converged(next, moment);
      if (round % 5 === 0) succeeded(await session.pulumi("preview", "--expect-no-changes"));
    });
  }

  it("killed most runs before their end", () => {
    assert.ok(kills >= Math.floor(ROUNDS * 0.75), `${kills} of ${ROUNDS} times`);
  });

  it("leaks no secret", () => session.leaks.end());

  function setMtu(mtu: number): void {
    setConfig(mesh.stack, ["network", "mtu"], mtu);
  }

  /** Starts an up and kills its engine `after` ms from the first push. @returns a description for messages */
  async function killedUp(how: "alone" | "with all", after: number): Promise<string> {
    const { ended } = await startedUp(mesh, PUSHING);
    const startedAt = Date.now();
    // The machine may be less busy than before: a run that ends before its kill is the new measure.
    void ended.then((code) => {
      if (code !== null) duration = Math.min(duration, Date.now() - startedAt);
    });
    await sleep(after);
    const processes = engineProcesses(mesh.lab);
    if (processes.some(({ name }) => name === "pulumi")) kills++;
    killAll(
      processes.filter(
        ({ name, commandLine }) =>
          name === "pulumi" ||
          (how === "with all" && /pulumi|push\/main\.js/.test(`${name} ${commandLine}`)),
      ),
    );
    await ended;
    const moment = `the engine was killed ${how} ${Math.round(after)} ms after its first push began`;
    return moment;
  }

  async function nextUp(moment: string): Promise<void> {
    const up = await session.command("up", "--yes", "--skip-preview", "--json");
    assert.equal(up.code, 0, `${moment}: ${up.stderr}${up.stdout}`);
  }

  /** Waits until all orphans have ended and asserts that every host has the state of the last run. */
  async function converged(mtu: number, moment: string): Promise<void> {
    // The language host checks for its engine only every five minutes; it changes nothing.
    const orphans = () =>
      engineProcesses(mesh.lab).filter(({ name }) => !name.startsWith("pulumi-languag"));
    const ended = await poll(() => (orphans().length === 0 ? true : undefined), {
      limitMs: 60_000,
      pauseMs: 200,
    });
    assert.equal(ended, true, `${moment}: ${JSON.stringify(orphans())}`);
    for (const host of HOSTS) {
      const shown = await session.on(host, `cat ${LIVE}; cat /sys/class/net/wg0/mtu`);
      assert.equal(shown, `${fileOf(host, mtu)}\n${mtu}`, `${moment}, ${host}`);
    }
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true, moment);
    assert.deepEqual(pendingOperations(), [], moment);
    killAll(engineProcesses(mesh.lab));
  }

  function fileOf(host: string, mtu: number | undefined): string {
    return (files.get(host) ?? "").replace("*", String(mtu));
  }

  async function liveFiles(): Promise<Map<string, string>> {
    const texts = HOSTS.map((host) => session.on(host, `cat ${LIVE} 2>/dev/null || true`));
    return new Map((await Promise.all(texts)).map((text, at) => [HOSTS[at] ?? "", text]));
  }

  async function liveMtus(): Promise<Map<string, number>> {
    const mtus = [...(await liveFiles())].map(([host, text]) => {
      return [host, Number(/MTU = (\d+)/.exec(text)?.[1])] as const;
    });
    return new Map(mtus);
  }

  function stateFile(): string {
    const file = `backend/.pulumi/stacks/wireguard-mesh/${mesh.stack.name}.json`;
    return path.join(mesh.lab.folder.engine, file);
  }

  /** The pending operations in the engine's state. */
  function pendingOperations(): unknown[] {
    const { checkpoint } = JSON.parse(fs.readFileSync(stateFile(), "utf8")) as {
      checkpoint: { latest: { pending_operations?: unknown[] } };
    };
    return checkpoint.latest.pending_operations ?? [];
  }
});
