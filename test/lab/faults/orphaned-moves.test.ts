/**
 * F20: the relays' watchers, or guard and supervisor, are killed during a move, on hosts without systemd, which would restart
 * them. The host is reached only through the tunnel: one more up reaches it. Needs root.
 */
import * as assert from "node:assert/strict";
import { engineProcesses, killAll } from "../support/engine-processes";
import { APPLIED, RUN } from "../support/host-protocol";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { openSession, type MeshSession } from "../support/mesh-session";
import { drops, NO_DROPS } from "../support/packet-drops";
import { canPingSoon } from "../support/small-world";
import { setConfig } from "../support/stack-edits";
import { startedUp } from "../support/started-up";
import { leaveTunnelOnly, twoRelays } from "../support/two-relays";

const WATCHERS = "'[h]ost.sh watch '";
const EITHER = "'[h]ost.sh (guard|supervise) '";
/** The engine's output when the push to the desktop starts. */
const PUSHING = /desktop-push-command updating/;
/** A shell loop: a killed program may take a moment to go. */
const untilEnded = (pattern: string) => `while pgrep -f ${pattern}; do sleep 0.1; done`;

describe("a move whose programs on the hosts are killed", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(twoRelays, "test-orphaned-moves");
    session = await openSession(mesh);
    await leaveTunnelOnly(mesh, session);
  });
  after(() => mesh.lab.down());

  it("F20: is completed by one more up after the engine was killed at the start of the host's push, and then both relays' watchers", async () => {
    move("10.0.0.2", "osaka");
    const { ended } = await startedUp(mesh, PUSHING);
    killAll(engineProcesses(mesh.lab));
    await ended;
    await killWatchers();
    await oneMoreUp("10.0.0.2");
  });

  it("F20: is completed by one more up after guard, supervisor, engine and both relays' watchers were killed when the host had applied the change and nothing had confirmed it", async () => {
    move("10.0.0.2", "relay");
    await upKilledUnconfirmed();
    await killWatchers();
    await oneMoreUp("10.0.0.2");
  });

  it("leaks no secret", () => session.leaks.end());

  function move(address: string, home: "relay" | "osaka"): void {
    setConfig(mesh.stack, ["peers", "desktop", "address"], address);
    setConfig(mesh.stack, ["peers", "desktop", "relay"], home);
    setConfig(mesh.stack, ["peers", "desktop", "host"], `root@via:${home}`);
  }

  async function killWatchers(): Promise<void> {
    for (const relay of ["relay", "osaka"])
      await session.on(relay, `pkill -KILL -f ${WATCHERS}; ${untilEnded(WATCHERS)}`);
  }

  /** Starts an up, and kills it and the host's own programs when the host has moved and nothing has confirmed it. */
  async function upKilledUnconfirmed(): Promise<void> {
    const { ended } = await startedUp(mesh, PUSHING);
    // No new login arrives, so that nothing confirms the change.
    await session.on(
      "desktop",
      `until [ -p ${RUN}/change/done ]; do sleep 0.01; done
${drops("input", "tcp dport 22 ct state new")}
until [ -e ${APPLIED} ]; do sleep 0.01; done; pkill -KILL -f ${EITHER}`,
    );
    killAll(engineProcesses(mesh.lab));
    await ended;
    await session.on("desktop", `${NO_DROPS}; ${untilEnded(EITHER)}`);
  }

  async function oneMoreUp(address: string): Promise<void> {
    const up = await session.command("up", "--yes", "--skip-preview", "--json");
    assert.equal(up.code, 0, `${up.stdout}${up.stderr}`);
    assert.match(
      await session.on("desktop", "ip -br -4 addr show wg0"),
      new RegExp(` ${address}/24`),
    );
    assert.equal(await canPingSoon(mesh.lab, "laptop", address), true);
  }
});
