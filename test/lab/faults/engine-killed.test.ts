/**
 * F20: the engine is killed at random moments of a push, alone (then what it started goes on as orphans) or with its program,
 * plugin and pushes: always the old or the new config whole; always converged after one more `up`; and nothing of the killed
 * run comes after it. The seed is printed, and can be given: FAULT_SEED=7. Needs root.
 */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../../../scripts/lab/process";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { engineProcesses, killAll } from "../support/engine-processes";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";
import { generator, SEED } from "../support/random";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";

const HOSTS = ["relay", "desktop", "laptop"];
const LIVE = "/etc/wireguard/wg0.conf";
const ROUNDS = 20;
/** What the engine says when it begins with a host. */
const PUSHING = /push-command (creating|updating)/;

describe(`an up whose engine is killed at random moments (seed ${SEED})`, function () {
  this.timeout(300_000);
  // A round goes on from what the one before has left.
  this.bail(true);
  const random = generator(SEED);
  let mesh: MeshLab;
  let session: MeshSession;
  /** By host: its file, with a sign in the place of the MTU. */
  const files = new Map<string, string>();
  /** From the first push to the end of the run. */
  let whole: number;
  let kills = 0;

  before(async () => {
    mesh = await meshLab(relay, "test-f-engine-killed");
    session = await openSession(mesh);
  });
  after(() => mesh.lab.down());

  it("F20: the first up of all: the next one converges", async () => {
    want(1300);
    const moment = await killedUp("alone", 2000);
    const given = await liveFiles();
    await nextUp(moment);
    for (const [host, text] of await liveFiles()) {
      files.set(host, text.replace("MTU = 1300", "MTU = *"));
      // There was none before.
      assert.ok([text, ""].includes(given.get(host) ?? ""), `${moment}: ${given.get(host)}`);
    }
    await converged(1300, moment);
  });

  it("measures a whole one", async () => {
    want(1301);
    const [engine, ended] = startUp();
    await firstPush(engine);
    const startedAt = Date.now();
    assert.equal(await ended, 0);
    whole = Date.now() - startedAt;
  });

  for (let round = 1; round <= ROUNDS; round++) {
    const how = random() < 0.5 ? "alone" : "with all";
    const part = random();
    it(`F20, F21: ${how}, after ${Math.round(part * 100)} % of the pushes: old or new; then what the next one wants`, async () => {
      const [old, killed] = [await liveMtus(), 1300 + 2 * round];
      want(killed);
      const moment = await killedUp(how, part * whole);
      for (const [host, text] of await liveFiles())
        assert.ok(
          [old.get(host), killed].some((mtu) => text === fileOf(host, mtu)),
          `${moment}, ${host}: ${text}`,
        );
      // Another config than the killed run's: an orphan that came late would show.
      const next = how === "alone" ? killed + 1 : killed;
      want(next);
      await nextUp(moment);
      await converged(next, moment);
      if (round % 5 === 0) succeeded(await session.pulumi("preview", "--expect-no-changes"));
    });
  }

  it("was killed before its end nearly always", () => {
    assert.ok(kills > ROUNDS * 0.75, `${kills} of ${ROUNDS} times`);
  });

  it("leaks no secret", () => session.leaks.end());

  function want(mtu: number): void {
    setConfig(mesh.stack, ["network", "mtu"], mtu);
  }

  function startUp() {
    const argv = ["pulumi", ...UP, "--non-interactive"];
    const engine = mesh.lab.spawn("operator", argv, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(engine, "exit").then(([code]) => code as number | null);
    return [engine, ended] as const;
  }

  async function firstPush(engine: ReturnType<typeof startUp>[0]): Promise<void> {
    let said = "";
    engine.stderr?.resume();
    await new Promise<void>((resolve) => {
      engine.stdout?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (PUSHING.test(said)) resolve();
      });
    });
  }

  /** @returns what happened, for messages. */
  async function killedUp(how: "alone" | "with all", after: number): Promise<string> {
    const [engine, ended] = startUp();
    await firstPush(engine);
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
    assert.equal(up.code, 0, `${moment}: ${up.stdout}${up.stderr}`);
  }

  /** All that the killed run left has ended, and still everything is as the last run wants it. */
  async function converged(mtu: number, moment: string): Promise<void> {
    // The engine's own language host looks for its engine every five minutes only; it touches nothing.
    const orphans = () =>
      engineProcesses(mesh.lab).filter(({ name }) => !name.startsWith("pulumi-languag"));
    const gone = await waitFor(() => (orphans().length === 0 ? true : undefined), 60_000, 200);
    assert.equal(gone, true, `${moment}: ${JSON.stringify(orphans())}`);
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

  /** What the engine does not know the end of, by its state. */
  function pendingOperations(): unknown[] {
    const file = `backend/.pulumi/stacks/wireguard-mesh/${mesh.stack.name}.json`;
    const text = fs.readFileSync(path.join(mesh.lab.folder.engine, file), "utf8");
    const { checkpoint } = JSON.parse(text) as {
      checkpoint: { latest: { pending_operations?: unknown[] } };
    };
    return checkpoint.latest.pending_operations ?? [];
  }
});
