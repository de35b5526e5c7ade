/** `up --canary` and `up --max-failures` with the real engine. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../scripts/lab/scenarios/relay";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, type MeshSession } from "./support/mesh-session";
import { canPingSoon } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const MTU = "cat /sys/class/net/wg0/mtu";

describe("an up with a canary", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;
  before(async () => {
    mesh = await meshLab(relay, "test-canary", (config) => ({
      ...config,
      peers: { ...config.peers, laptop: { ...config.peers["laptop"], listenPort: 51700 } },
    }));
    session = await openSession(mesh);
  });
  after(() => mesh.lab.down());

  const up = (...args: string[]) => session.command("up", "--yes", ...args);
  const works = () => canPingSoon(mesh.lab, "laptop", "10.0.0.2");

  it("pushes to it and to the relay that it needs first, and then to the rest, of a new network too", async () => {
    const { stderr } = succeeded(await up("--canary", "laptop"));
    const order = ["first relay, laptop", "they work; now the rest", "pushed  desktop"];
    const places = order.map((text) => stderr.indexOf(text));
    assert.ok(!places.includes(-1), stderr);
    assert.deepEqual(
      [...places].sort((a, b) => a - b),
      places,
    );
    assert.equal(await works(), true);
  });

  it("changes nothing, and logs in only to check, when nothing is to be changed", async () => {
    const done = succeeded(await up("--canary", "laptop"));
    assert.match(done.stdout, /^Nothing to do/);
  });

  it("stops where the canary's tunnels are dead, touches no other host, and says how to go on", async () => {
    // Packets from that port are dropped, as by a provider. SSH does not need the tunnel.
    const drop = "chain out { type filter hook output priority 0; udp sport 51777 drop; };";
    await session.on("laptop", `nft 'table inet provider { ${drop} }'`);
    setConfig(mesh.stack, ["peers", "laptop", "listenPort"], 51777);
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1400);
    const before = session.logins();
    const { code, stdout } = await up("--canary", "laptop");
    assert.equal(code, 1, stdout);
    assert.match(
      stdout,
      /^canary: laptop: not all of its tunnels work, so the rest was not pushed$/m,
    );
    assert.match(stdout, /^ {2}laptop does not reach relay$/m);
    assert.match(stdout, /^ {2}not touched: desktop$/m);
    assert.match(stdout, /npx wireguard-mesh rollback laptop$/m);
    assert.equal(session.loginsSince(before)["desktop"], 0);
    assert.equal(await session.on("laptop", "wg show wg0 listen-port"), "51777");
    assert.equal(await session.on("desktop", MTU), "1420");
  });

  it("continues as its message says: a rollback restores the canary, and a corrected change is pushed", async () => {
    succeeded(await session.command("rollback", "laptop"));
    assert.equal(await works(), true);
    setConfig(mesh.stack, ["peers", "laptop", "listenPort"], 51778);
    succeeded(await up("--canary", "laptop"));
    assert.equal(await session.on("laptop", "wg show wg0 listen-port"), "51778");
    assert.equal(await session.on("desktop", MTU), "1400");
    assert.equal(await works(), true);
  });

  it("refuses a canary that does not change: it would prove nothing", async () => {
    setConfig(mesh.stack, ["peers", "desktop", "mtu"], 1300);
    const before = session.logins();
    const { code, stderr } = await up("--canary", "laptop");
    assert.equal(code, 1);
    assert.match(stderr, /nothing changes on laptop, .*; no host was touched/);
    assert.match(stderr, /name one that changes: desktop/);
    assert.deepEqual(session.loginsSince(before), { relay: 0, desktop: 0, laptop: 0 });
  });

  it("stops where the push to the canary fails", async () => {
    setConfig(mesh.stack, ["peers", "laptop", "mtu"], 1300);
    await session.on("laptop", "mv /usr/bin/wg /usr/bin/wg.away");
    const { code, stdout } = await up("--canary", "laptop");
    await session.on("laptop", "mv /usr/bin/wg.away /usr/bin/wg");
    assert.equal(code, 1);
    assert.match(stdout, /^failed: laptop: /m);
    assert.match(stdout, /^canary: laptop: its push failed, so the rest was not pushed$/m);
    assert.match(stdout, /^ {2}not touched: desktop$/m);
    assert.equal(await session.on("desktop", MTU), "1400");
  });

  it("with --max-failures, starts no push after that many failures, and the next up does the rest", async () => {
    const away = "mv /usr/bin/wg /usr/bin/wg.away";
    const back = "mv /usr/bin/wg.away /usr/bin/wg";
    for (const host of ["laptop", "desktop"]) await session.on(host, away);
    const { code, stdout } = await up("--max-failures", "1", "--", "--parallel", "1");
    for (const host of ["laptop", "desktop"]) await session.on(host, back);
    assert.equal(code, 1);
    const failed = [...stdout.matchAll(/^failed: (\w+)/gm)].map(([, name]) => name);
    assert.equal(failed.length, 1, stdout);
    const [other = ""] = ["laptop", "desktop"].filter((name) => name !== failed[0]);
    const skipped = new RegExp(
      `^skipped: ${other}\n  So many hosts had failed that .*--max-failures`,
    );
    assert.match(stdout.slice(stdout.indexOf("skipped:")), skipped);
    succeeded(await up());
    for (const host of ["laptop", "desktop"])
      assert.equal(await session.on(host, MTU), "1300", host);
  });

  it("leaks no secret", () => session.leaks.end());
});
