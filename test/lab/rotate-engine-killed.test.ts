/** A rotation whose engine is killed: every tunnel keeps working, and running the command again completes it. Needs root. */
import * as assert from "node:assert/strict";
import { once } from "node:events";
import * as fs from "node:fs";
import { parse } from "yaml";
import { poll } from "../../scripts/poll";
import { relay } from "../../scripts/lab/scenarios/relay";
import { engineProcesses, killAll } from "./support/engine-processes";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "./support/mesh-session";
import { canPingSoon } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const PENDING = "test -f /run/wireguard-mesh/wg0/pending";
/** The relay has both keys; it comes before the desktop. */
const BOTH_KEYS_AT_RELAY = "test $(wg show wg0 peers | wc -l) -ge 3";

describe("a rotation whose engine is killed (F20)", function () {
  let mesh: MeshLab;
  let session: MeshSession;
  before(async () => {
    mesh = await meshLab(relay, "test-rotate-engine");
    session = await openSession(mesh);
  });
  after(() => mesh.lab.down());

  it("starts with a working network", async () => {
    succeeded(await session.pulumi(...UP));
    // Reached only through the tunnel, so that a partial rotation that cuts it fails the test.
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    succeeded(await session.pulumi(...UP));
  });

  for (const [moment, host, mark] of [
    ["when the relay has both keys", "relay", BOTH_KEYS_AT_RELAY],
    ["while the peer's change is unconfirmed", "desktop", PENDING],
  ] as const) {
    it(`${moment}: keeps the tunnels up and completes when it is run again`, async () => {
      const old = desktopKey();
      await killWhen(host, mark);
      assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
      assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.3"), true);
      succeeded(await session.pulumi("cancel", "--yes"));
      await waitForRollback("desktop");
      succeeded(await session.command("rotate", "desktop", "--yes"));
      assert.notEqual(desktopKey(), old);
      const shown = await session.on("relay", "wg show wg0 peers");
      assert.ok(shown.includes(desktopKey()) && !shown.includes(old), shown);
      assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    });
  }

  it("keeps the next key in the stack file if only the engine is killed, and completes when it is run again", async () => {
    await killWhen("relay", BOTH_KEYS_AT_RELAY, "engine");
    assert.match(fs.readFileSync(mesh.stack.file, "utf8"), /nextPublicKey/);
    succeeded(await session.pulumi("cancel", "--yes"));
    succeeded(await session.command("rotate", "desktop", "--yes"));
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
  });

  it("leaks no secret", () => session.leaks.end());

  /** Starts the rotation and kills the engine, and the command too unless `what` says so, once a script on a host succeeds. */
  async function killWhen(host: string, mark: string, what: "both" | "engine" = "both") {
    const argv = ["node", "dist/scripts/wireguard-mesh.js", "rotate", "desktop", "--yes"];
    const rotation = mesh.lab.spawn("operator", argv, { stdio: "ignore" });
    const ended = once(rotation, "exit");
    const seen = await mesh.lab.exec(host, ["sh", "-c", `until ${mark}; do sleep 0.02; done`], {
      timeoutMs: 120_000,
    });
    if (what === "both") rotation.kill("SIGKILL");
    killAll(engineProcesses(mesh.lab).filter(({ name }) => name === "pulumi"));
    await ended;
    assert.equal(seen.code, 0, `never seen: ${mark}`);
  }

  /** Waits until the host has rolled back the unconfirmed change. */
  async function waitForRollback(host: string): Promise<void> {
    const rolledBack = async () =>
      (await mesh.lab.exec(host, ["sh", "-c", PENDING])).code === 0 ? undefined : true;
    assert.equal(
      await poll(rolledBack, { limitMs: 90_000, pauseMs: 500 }),
      true,
      `${host} did not roll back`,
    );
  }

  function desktopKey(): string {
    const file = parse(fs.readFileSync(mesh.stack.file, "utf8")) as {
      config: Record<string, Record<string, Record<string, string>>>;
    };
    return file.config["wireguard-mesh:peers"]?.["desktop"]?.["publicKey"] ?? "";
  }
});
