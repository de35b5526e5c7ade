/**
 * A host that is reached only through the tunnel gets several changes in one up: its address with its home relay or the relay's
 * port or key, its name with both, the whole network's prefix. Also with a jump through a relay that is not its home. Real engine,
 * sshd, WireGuard. Needs root.
 */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { poll } from "../../scripts/poll";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { quietUp } from "./support/quiet-up";
import { newKeyPair } from "../support/key-pairs";
import { setConfig } from "./support/stack-edits";
import { canPingSoon } from "./support/small-world";
import { leaveTunnelOnly, twoRelays } from "./support/two-relays";

describe("a host that is reached only through the tunnel, in one up,", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(twoRelays, "test-moves-together");
    session = await openSession(mesh);
    await leaveTunnelOnly(mesh, session);
  });
  after(() => mesh.lab.down());

  it("gets another address and another home relay, and is silent for at most a second", async () => {
    setConfig(mesh.stack, ["peers", "desktop", "address"], "10.0.0.42");
    setConfig(mesh.stack, ["peers", "desktop", "relay"], "osaka");
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:osaka");
    await quietUp(mesh, session, ["10.0.0.2", "10.0.0.42"]);
    const key = await session.on("desktop", "wg show wg0 public-key");
    // Its former home removes the former address, and keeps the peer until its next config.
    await settled("relay", key, "(none)");
    await settled("osaka", key, "10.0.0.42/32");
    await assertAsPlanned();
  });

  it("gets another address, follows its relay to another port, and is jumped to through another relay", async () => {
    setConfig(mesh.stack, ["peers", "desktop", "address"], "10.0.0.43");
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:relay");
    setConfig(mesh.stack, ["relays", "osaka", "listenPort"], 51999);
    await quietUp(mesh, session, ["10.0.0.42", "10.0.0.43"]);
    assert.match(await session.on("desktop", "wg show wg0 endpoints"), /\t203\.0\.113\.11:51999$/);
    await assertAsPlanned();
  });

  it("gets another name, address and home relay, while the jump was a relay that is not its home", async () => {
    const text = fs.readFileSync(mesh.stack.file, "utf8");
    fs.writeFileSync(mesh.stack.file, text.replaceAll("    desktop:\n", "    pc:\n"));
    setConfig(mesh.stack, ["peers", "pc", "address"], "10.0.0.45");
    setConfig(mesh.stack, ["peers", "pc", "relay"], "relay");
    setConfig(mesh.stack, ["peers", "pc", "host"], "root@via:osaka");
    const up = await quietUp(mesh, session, ["10.0.0.43", "10.0.0.45"]);
    assert.match(up, /pc: this host was desktop; it is pc from now on/);
    assert.match(up, /desktop: wg0 there belongs to pc now, /);
    await assertAsPlanned();
  });

  it("gets another address and another home relay, which gets another key", async () => {
    const argv = ["pulumi", "config", "set", "--secret", "--path"];
    const input = newKeyPair().privateKey;
    succeeded(
      await mesh.lab.exec("operator", [...argv, "wireguard-mesh:privateKeys.osaka"], { input }),
    );
    await session.leaks.readSecrets();
    setConfig(mesh.stack, ["peers", "pc", "address"], "10.0.0.46");
    setConfig(mesh.stack, ["peers", "pc", "relay"], "osaka");
    await quietUp(mesh, session, ["10.0.0.45", "10.0.0.46"]);
    // At the port beside its own, which is 51999.
    assert.match(await session.on("desktop", "wg show wg0 endpoints"), /\t203\.0\.113\.11:52000$/);
    succeeded(await session.command("rotate", "osaka", "--yes"));
    assert.equal(await session.on("osaka", "wg show interfaces"), "wg0");
    await assertAsPlanned();
  });

  it("follows the whole network to another prefix", async () => {
    const text = fs.readFileSync(mesh.stack.file, "utf8");
    fs.writeFileSync(mesh.stack.file, text.replaceAll("10.0.0.", "10.99.7."));
    const up = succeeded(await session.pulumi(...UP)).stdout;
    assert.match(
      up,
      /osaka: this host keeps its former address 10\.0\.0\.4\/24 until all hosts have moved/,
    );
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.99.7.46"), true);
    assert.match(
      await session.on("desktop", "ip -br addr show wg0"),
      / 10\.99\.7\.46\/24 (?!.*10\.0\.0\.)/,
    );
    await assertAsPlanned();
  });

  it("leaks no secret", () => session.leaks.end());

  /** Waits until a relay has the peer with these allowed IPs. */
  async function settled(relay: string, key: string, expected: string): Promise<void> {
    let shown = "";
    await poll(
      async () => {
        const lines = await session.on(relay, `wg show wg0 allowed-ips | grep -F '${key}'`);
        shown = lines.split("\t")[1] ?? "";
        return shown === expected ? true : undefined;
      },
      { limitMs: 30_000, pauseMs: 100 },
    );
    assert.equal(shown, expected, relay);
  }

  async function assertAsPlanned(): Promise<void> {
    const status = await session.command("status", "--json");
    assert.equal(status.code, 0, status.stdout);
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  }
});
