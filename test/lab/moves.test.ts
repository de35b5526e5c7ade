/**
 * A host that is reached only through the tunnel is moved in one up: another address, name, home relay, port. Real engine, sshd,
 * WireGuard. Needs root.
 */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { poll } from "../../scripts/poll";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, type MeshSession } from "./support/mesh-session";
import { quietUp as heardDuringUp } from "./support/quiet-up";
import { setConfig } from "./support/stack-edits";
import { leaveTunnelOnly, twoRelays } from "./support/two-relays";

describe("a host that is reached only through the tunnel", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(twoRelays, "test-moves");
    session = await openSession(mesh);
    await leaveTunnelOnly(mesh, session);
  });
  after(() => mesh.lab.down());

  it("gets another tunnel address in one up, and is silent for at most a second", async () => {
    setConfig(mesh.stack, ["peers", "desktop", "address"], "10.0.0.42");
    await quietUp(["10.0.0.2", "10.0.0.42"]);
    assert.match(await session.on("desktop", "ip -br addr show wg0"), / 10\.0\.0\.42\/24/);
    // The relay removes the former address, and keeps it in the file for the next boot until its next config.
    const allowed = await relayAllows("10.0.0.42/32");
    assert.equal(allowed, "10.0.0.42/32");
    const file = await session.on("relay", "grep -F 10.0.0.42 /etc/wireguard/wg0.conf");
    assert.equal(file, "AllowedIPs = 10.0.0.42/32, 10.0.0.2/32");
    const status = await session.command("status", "--json");
    assert.equal(status.code, 0, status.stdout);
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  });

  it("gets another name together with another address", async () => {
    const text = fs.readFileSync(mesh.stack.file, "utf8");
    fs.writeFileSync(mesh.stack.file, text.replaceAll("    desktop:\n", "    pc:\n"));
    setConfig(mesh.stack, ["peers", "pc", "address"], "10.0.0.43");
    const up = await quietUp(["10.0.0.42", "10.0.0.43"]);
    assert.match(up, /pc: this host was desktop; it is pc from now on/);
    // The removal of the former name finds the host at its new address, and leaves it alone.
    assert.match(up, /desktop: wg0 there belongs to pc now, /);
    assert.equal(await relayAllows("10.0.0.43/32"), "10.0.0.43/32");
    const file = await session.on("relay", "grep -F 10.0.0.43 /etc/wireguard/wg0.conf");
    assert.match(file, /^AllowedIPs = 10\.0\.0\.43\/32, 10\.0\.0\.42\/32\b/);
    assert.equal(await session.on("desktop", "cat /sys/class/net/wg0/operstate"), "unknown");
  });

  it("gets another home relay in one up, and is silent for at most a second", async () => {
    setConfig(mesh.stack, ["peers", "pc", "relay"], "osaka");
    setConfig(mesh.stack, ["peers", "pc", "host"], "root@via:osaka");
    await quietUp(["10.0.0.43"]);
    const [osaka, desktop] = [
      await session.on("osaka", "wg show wg0 public-key"),
      await session.on("desktop", "wg show wg0 public-key"),
    ];
    assert.equal(await holderOn("relay", osaka), osaka);
    assert.equal(await holderOn("osaka", desktop), desktop);
    assert.equal(await session.on("desktop", "wg show wg0 peers"), osaka);
    const status = await session.command("status", "--json");
    assert.equal(status.code, 0, status.stdout);
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  });

  it("follows its relay to another UDP port in one up", async () => {
    setConfig(mesh.stack, ["relays", "osaka", "listenPort"], 51999);
    const up = await quietUp(["10.0.0.43"]);
    assert.match(up, /osaka: UDP port 51820 is served beside 51999 until pc has followed/);
    assert.equal(await session.on("osaka", "wg show wg0 listen-port"), "51999");
    assert.match(await session.on("desktop", "wg show wg0 endpoints"), /\t203\.0\.113\.11:51999$/);
    // It is not among the hosts whose last packets came to the former port.
    const former = "nft list set inet wireguard-mesh-wg0/former former4";
    assert.doesNotMatch(await session.on("osaka", former), /203\.0\.113\.21 \. \d+/);
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  });

  it("leaks no secret", () => session.leaks.end());

  const quietUp = (addresses: string[]) => heardDuringUp(mesh, session, addresses);

  /** The peer that has the host's address in its allowed IPs, once that is `expected`. */
  async function holderOn(relayName: string, expected: string): Promise<string> {
    let key = "";
    await poll(
      async () => {
        const line = await session.on(
          relayName,
          "wg show wg0 allowed-ips | grep -w -F 10.0.0.43/32",
        );
        key = line.split("\t")[0] ?? "";
        return key === expected ? true : undefined;
      },
      { limitMs: 30_000, pauseMs: 100 },
    );
    return key;
  }

  /** The allowed IPs of the desktop on its relay, once the watcher has removed the former ones. */
  async function relayAllows(address: string): Promise<string> {
    const settled = async () => {
      const line = await session.on("relay", `wg show wg0 allowed-ips | grep -w -F ${address}`);
      const prefixes = line.split("\t")[1] ?? "";
      return prefixes.includes(" ") ? undefined : prefixes;
    };
    return (await poll(settled, { limitMs: 30_000, pauseMs: 100 })) ?? "former ones are left";
  }
});
