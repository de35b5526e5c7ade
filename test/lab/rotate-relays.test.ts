/**
 * Two relays change their keys one after the other, to the end, with 20 ms pings from spoke to spoke the whole way: IPv4 and
 * IPv6 in the tunnel, a peer that is reached only through it, one that sends only keepalives, a stateful firewall on a relay,
 * and a phone that gets its config in between. Needs root.
 */
import * as assert from "node:assert/strict";
import * as fs from "node:fs";
import { parse } from "yaml";
import type { Scenario } from "../../scripts/lab/scenario";
import { BUSY_FACTOR } from "../support/time-limits";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { describeGaps, pingGapsDuring, type Direction, type PingGap } from "./support/ping-gaps";
import { canPingSoon } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const network: Pick<Scenario, "world" | "config"> = {
  world: {
    nats: {
      home: { public: "203.0.113.21", lan: "192.168.1.0/24" },
      cafe: { public: "203.0.113.22", lan: "192.168.12.0/24" },
    },
    hosts: {
      near: { public: "203.0.113.10" },
      far: { public: "203.0.113.11" },
      desktop: { nat: "home", ip: "192.168.1.20" },
      idle: { nat: "home", ip: "192.168.1.21" },
      laptop: { nat: "cafe", ip: "192.168.12.30" },
      phone: { nat: "cafe", ip: "192.168.12.40" },
    },
  },
  config: (lab) => {
    const node = (at: number, more: object) => ({
      ...{ address: `10.0.0.${at}`, address6: `fd5c:10::${at}` },
      ...more,
    });
    const pushed = (at: number, name: string, relay: string) =>
      node(at, { host: `root@${lab.managementAddress(name)}`, relay });
    return {
      network: { cidr: "10.0.0.0/24", cidr6: "fd5c:10::/64", persistentKeepalive: 5 },
      relays: {
        near: node(1, { host: "root@203.0.113.10" }),
        far: node(2, { host: "root@203.0.113.11" }),
      },
      peers: {
        desktop: pushed(3, "desktop", "near"),
        idle: pushed(4, "idle", "near"),
        laptop: pushed(5, "laptop", "far"),
        phone: node(6, { relay: "near" }),
      },
    };
  },
};

const SPOKES: Direction[] = [
  ["laptop", "10.0.0.3"],
  ["desktop", "10.0.0.5"],
  ["laptop", "fd5c:10::3"],
];

/** For each change, on an idle machine. */
const SILENCE_MS = 1000;
const PING_MS = 20;

describe("two relays that change their keys", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;
  before(async () => {
    mesh = await meshLab(network, "test-rotate-relays");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    // From now on it is reached only through the tunnel.
    setConfig(mesh.stack, ["peers", "desktop", "host"], "root@via:near");
    succeeded(await session.pulumi(...UP));
    await usePhone();
    // As a distribution's firewall: answers pass, and the two ports of WireGuard.
    await session.on(
      "far",
      `nft -f - <<'END'
table inet lab { chain in { type filter hook input priority 0; policy drop;
  iifname { lo, mgmt0, wg0, wg0-next } accept
  ct state established,related accept
  meta l4proto { icmp, ipv6-icmp } accept
  tcp dport 22 accept
  udp dport { 51820, 51821 } accept
 }
}
END`,
    );
    for (const [from, to] of [...SPOKES, ["phone", "10.0.0.3"], ["near", "10.0.0.4"]] as const) {
      assert.ok(await canPingSoon(mesh.lab, from, to), `${from} > ${to}`);
    }
  });
  after(() => mesh.lab.down());

  /** The config of the phone as `config` prints it, which has its keys, applied by hand. */
  async function usePhone(): Promise<void> {
    const argv = ["node", "dist/scripts/wireguard-mesh.js", "config", "phone"];
    const { stdout } = succeeded(await mesh.lab.exec("operator", argv));
    const up = "wg-quick down wg0 2>/dev/null; wg-quick up wg0 2>&1";
    const script = `umask 077; mkdir -p /etc/wireguard; cat >/etc/wireguard/wg0.conf; ${up}`;
    const done = await mesh.lab.exec("phone", ["sh", "-c", script], { input: stdout });
    assert.equal(done.code, 0, done.stdout + done.stderr);
  }

  type Fields = Record<string, unknown>;
  function relayIn(name: string): Fields {
    const { config } = parse(fs.readFileSync(mesh.stack.file, "utf8")) as {
      config: Record<string, Record<string, Fields>>;
    };
    return config["wireguard-mesh:relays"]?.[name] ?? {};
  }

  async function quiet(title: string, action: () => Promise<void>): Promise<void> {
    const gaps = await pingGapsDuring(mesh.lab, SPOKES, async () => {
      await action();
      // Longer than a former session may still send, and than three keepalives.
      await new Promise((resolve) => setTimeout(resolve, 20_000));
    });
    process.stderr.write(`      ${title}: ${describeGaps(gaps)}\n`);
    const silence = ({ lost, silentMs }: PingGap) => Math.max(lost * PING_MS, silentMs);
    for (const gap of gaps)
      assert.ok(silence(gap) <= BUSY_FACTOR * SILENCE_MS, describeGaps([gap]));
  }

  async function assertEnded(name: string, port: number): Promise<void> {
    const { publicKey, nextPublicKey, listenPort } = relayIn(name);
    assert.deepEqual([nextPublicKey, listenPort], [undefined, port]);
    assert.equal(await session.on(name, "wg show interfaces"), "wg0");
    assert.equal(await session.on(name, "wg show wg0 public-key"), publicKey);
    assert.equal(await session.on(name, "ip rule show pref 5182; ip -6 rule show pref 5182"), "");
  }

  it("waits for the phone, which keeps its tunnel meanwhile and gets its config in between", async () => {
    await quiet("the first relay", async () => {
      const pending = await session.command("rotate", "near", "--yes");
      assert.equal(pending.code, 1);
      assert.match(pending.stderr, /near: its next key is at UDP port 51821, which must be open/);
      assert.match(pending.stdout, /phone/);
      assert.ok(await canPingSoon(mesh.lab, "phone", "10.0.0.3"), "its old config works");
      await usePhone();
      assert.ok(await canPingSoon(mesh.lab, "phone", "10.0.0.3"), "its new config works");
      succeeded(await session.command("rotate", "near", "--yes"));
    });
    await assertEnded("near", 51821);
    assert.ok(await canPingSoon(mesh.lab, "phone", "10.0.0.5"), "its config is still right");
  });

  it("loses no peer that sends only keepalives: the relay reaches it at once", async () => {
    assert.ok(await canPingSoon(mesh.lab, "near", "10.0.0.4", 5_000));
    assert.ok(await canPingSoon(mesh.lab, "desktop", "10.0.0.4", 5_000));
  });

  it("does the same for the other relay, and nothing is left", async () => {
    await quiet("the second relay", async () => {
      succeeded(await session.command("rotate", "far", "--yes"));
    });
    await assertEnded("far", 51821);
    const status = succeeded(await session.command("status", "--json"));
    assert.equal((JSON.parse(status.stdout) as { ok: boolean }).ok, true, status.stdout);
    succeeded(await session.pulumi("preview", "--expect-no-changes"));
  });

  it("leaks no secret", () => session.leaks.end());
});
