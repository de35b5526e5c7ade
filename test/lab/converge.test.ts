/** A network converges, end to end, with the real engine, sshd and WireGuard. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../scripts/lab/scenarios/relay";
import { REACH_MS } from "../../scripts/push/limits";
import { assertWithin } from "../support/time-limits";
import type { CommandResult } from "../../scripts/lab/process";
import { LeakWatch } from "./support/leak-watch";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { succeeded } from "./support/mesh-session";
import { lossDuring } from "./support/ping-stream";
import { canPing, canPingSoon } from "./support/small-world";
import { deleteConfig, setConfig } from "./support/stack-edits";

const UP = ["up", "--yes", "--skip-preview", "--continue-on-error", "--diff"];
const NODES = ["relay", "desktop", "laptop"];

describe("a network of a relay and two peers behind NAT", function () {
  let mesh: MeshLab;
  let leaks: LeakWatch;

  before(async () => {
    const world = {
      ...relay.world,
      hosts: { ...relay.world.hosts, nas: { public: "203.0.113.40" } },
    };
    mesh = await meshLab({ ...relay, world }, "test-converge");
    leaks = await LeakWatch.forStack(mesh);
  });
  after(() => mesh.lab.down());

  it("converges with the first up, and the peers connect only through the relay", async () => {
    assert.equal(await canPing(mesh.lab, "laptop", "10.0.0.2"), false);
    const up = succeeded(await pulumi(...UP));
    // The engine always warns about the plugin's stand-in, which it finds on PATH.
    assert.doesNotMatch(up.stdout + up.stderr, /warning: (?!using pulumi-resource-command from)/);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    assert.equal(await canPingSoon(mesh.lab, "desktop", "10.0.0.3"), true);
    assert.equal(await canPing(mesh.lab, "laptop", "192.168.1.20"), false);
  });

  it("is not changed by a second up: no login, the same sessions", async () => {
    const before = { logins: logins(), handshakes: await handshakes() };
    const up = succeeded(await pulumi(...UP));
    assert.match(up.stdout, /^ {4}\d+ unchanged$/m);
    assert.doesNotMatch(up.stdout, /changed, |created|updated|deleted|replaced/);
    assert.deepEqual(logins(), before.logins);
    const after = await handshakes();
    assert.deepEqual([...after.keys()].sort(), [...before.handshakes.keys()].sort());
    for (const [key, time] of after) {
      // WireGuard renews a session after 120 s (REKEY_AFTER_TIME); nothing else should.
      const since = time - (before.handshakes.get(key) ?? 0);
      assert.ok(since === 0 || since >= 115, `a new handshake after ${since} s`);
    }
  });

  it("makes the engine download no plugin for EC2", async () => {
    const env = { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "false" };
    const argv = ["pulumi", "preview", "--non-interactive", "-v=5", "--logtostderr"];
    const preview = await mesh.lab.exec("operator", argv, { env, timeoutMs: 120_000 });
    // What it logs of the plugin that the program does use.
    assert.match(preview.stderr, /\bcommand\b.*(download|plugin)|(download|plugin).*\bcommand\b/);
    assert.doesNotMatch(preview.stderr, /pulumi-resource-aws|\baws (trying|downloading)/);
  });

  it("previews a change as config lines of the affected hosts only, without secrets", async () => {
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1380);
    const preview = succeeded(await pulumi("preview", "--diff"));
    assert.match(preview.stdout, /~ wireguard-mesh:index:Peer: \(update\)[\s\S]*::desktop\]/);
    assert.match(preview.stdout, /\+ MTU = 1380/);
    assert.match(preview.stdout, /PrivateKey = \(hidden\)/);
    assert.doesNotMatch(preview.stdout, /::laptop-push-command\]|::relay-push-command\]/);
    await pulumi("preview", "--json");
    deleteConfig(mesh.stack, ["peers", "desktop", "mtu"]);
  });

  it("adds a peer without a login to other peers and without packet loss", async () => {
    const before = logins();
    const loss = await lossDuring(mesh.lab, "laptop", "10.0.0.2", async () => {
      const host = ["--host", "root@203.0.113.40", "--host-key", mesh.lab.hostKey("nas")];
      succeeded(await command("add-peer", "nas", ...host));
      succeeded(await pulumi(...UP));
    });
    assert.ok(loss.sent > 50, `only ${loss.sent} pings`);
    assert.equal(loss.sent - loss.received, 0);
    assert.deepEqual(loginsSince(before), { relay: 2, desktop: 0, laptop: 0 });
    assert.equal(mesh.lab.logins("nas"), 2);
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.4"), true);
  });

  it("removes a peer from the relay and cleans its host", async () => {
    const keys = await mesh.lab.exec("nas", ["wg", "show", "wg0", "public-key"]);
    succeeded(await command("remove-peer", "nas"));
    succeeded(await pulumi(...UP));
    const peers = await mesh.lab.exec("relay", ["wg", "show", "wg0", "dump"]);
    assert.ok(keys.stdout.trim().length === 44 && !peers.stdout.includes(keys.stdout.trim()));
    assert.equal((await mesh.lab.exec("nas", ["test", "-e", "/sys/class/net/wg0"])).code, 1);
    const places = ["/etc/wireguard", "/var/lib/wireguard-mesh", "/etc/sysctl.d"];
    const left = ["find", ...places, "-name", "*wg0*"];
    assert.equal((await mesh.lab.exec("nas", left)).stdout, "");
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
  });

  it("converges the other hosts when one is down, names it, and converges it with the next up", async () => {
    setConfig(mesh.stack, ["network", "mtu"], 1400);
    await mesh.lab.disconnect("desktop");
    const startedAt = Date.now();
    const up = await pulumi(...UP);
    assert.notEqual(up.code, 0);
    assertWithin(30, startedAt, REACH_MS / 1000);
    assert.match(up.stdout + up.stderr, /desktop: cannot be reached[\s\S]*timed out/);
    assert.deepEqual(await mtus(["relay", "laptop"]), ["1400", "1400"]);

    await mesh.lab.reconnect("desktop");
    const before = logins();
    succeeded(await pulumi(...UP));
    assert.deepEqual(await mtus(NODES), ["1400", "1400", "1400"]);
    assert.deepEqual(loginsSince(before), { relay: 0, desktop: 2, laptop: 0 });
  });

  it("reports eight config errors at once, before any resource is registered, without a stack trace", async () => {
    const errors: [string[], unknown][] = [
      [["network", "mtuu"], 1400],
      [["network", "interface"], "a name that is too long"],
      [["relays", "relay", "exit"], "yes"],
      [["peers", "desktop", "address"], "10.0.0.999"],
      [["peers", "desktop", "endpoint"], "203.0.113.9:70000"],
      [["peers", "laptop", "persistentKeepalive"], "25s"],
      [["peers", "laptop", "relay"], "rely"],
      [["peers", "phone"], { address: "10.0.1.9" }],
    ];
    for (const [place, value] of errors) setConfig(mesh.stack, place, value);
    const up = await pulumi(...UP);
    assert.notEqual(up.code, 0);
    for (const message of [
      "network.mtuu: is not a known key",
      "network.interface: ",
      "relays.relay.exit: is a string, but should be true or false",
      "peers.desktop.address: ",
      "peers.desktop.endpoint: ",
      "peers.laptop.persistentKeepalive: ",
      "peers.laptop.relay: there is no relay rely",
      "peers.phone.publicKey: is missing",
    ]) {
      assert.ok(
        up.stdout.includes(message) || up.stderr.includes(message),
        `${message} in\n${up.stdout}`,
      );
    }
    assert.doesNotMatch(up.stdout + up.stderr, /\n\s+at .*\(/);
    assert.doesNotMatch(up.stdout, /wireguard-mesh:index:/);
  });

  it("leaks no secret", () => leaks.end());

  async function pulumi(...args: string[]): Promise<CommandResult> {
    const done = await mesh.pulumi(...args);
    leaks.add(`output of pulumi ${args.join(" ")}`, done.stdout + done.stderr);
    return done;
  }

  async function command(...args: string[]): Promise<CommandResult> {
    const done = await mesh.lab.exec("operator", [
      "node",
      "dist/scripts/wireguard-mesh.js",
      ...args,
    ]);
    leaks.add(`output of wireguard-mesh ${args.join(" ")}`, done.stdout + done.stderr);
    return done;
  }

  function logins(): Record<string, number> {
    return Object.fromEntries(NODES.map((node) => [node, mesh.lab.logins(node)]));
  }

  function loginsSince(before: Record<string, number>): Record<string, number> {
    return Object.fromEntries(
      Object.entries(logins()).map(([node, count]) => [node, count - (before[node] ?? 0)]),
    );
  }

  /** Public key → time of the latest handshake, in seconds since 1970. */
  async function handshakes(): Promise<Map<string, number>> {
    const shown = await mesh.lab.exec("relay", ["wg", "show", "wg0", "latest-handshakes"]);
    const lines = shown.stdout.trim().split("\n");
    return new Map(
      lines.map((line) => line.split("\t")).map(([key = "", time]) => [key, Number(time)]),
    );
  }

  async function mtus(nodes: string[]): Promise<string[]> {
    const files = nodes.map((node) => mesh.lab.exec(node, ["cat", "/sys/class/net/wg0/mtu"]));
    return (await Promise.all(files)).map((file) => file.stdout.trim());
  }
});
