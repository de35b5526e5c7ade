/**
 * A policy with the real engine: which pings and connections are answered, through a relay, over a direct link and into a
 * LAN (case C10, and ports); a peer that changes its own config; and open connections over a change. Needs root.
 */
import * as assert from "node:assert/strict";
import type { ScenarioConfig } from "../../scripts/lab/scenario";
import type { World } from "../../scripts/lab/world";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { canPing, canPingSoon } from "./support/small-world";
import { deleteConfig, setConfig } from "./support/stack-edits";
import { answered as answeredBy, serveEverywhere, TRAFFIC } from "./support/traffic";

const LAN = "192.168.73.0/24";
const ADDRESSES = {
  relay: "10.60.0.1",
  admin: "10.60.0.2",
  guest: "10.60.0.3",
  gateway: "10.60.0.4",
  vps: "10.60.0.5",
  nas: "192.168.73.20",
} as const;
type Machine = keyof typeof ADDRESSES;

/** All nodes dial the vps directly; the others reach each other through the relay. */
const network = {
  world: {
    nats: {
      cafe: { public: "203.0.113.91", lan: "192.168.71.0/24" },
      hotel: { public: "203.0.113.92", lan: "192.168.72.0/24" },
      home: { public: "203.0.113.93", lan: LAN },
    },
    hosts: {
      relay: { public: "203.0.113.10" },
      vps: { public: "203.0.113.50" },
      admin: { nat: "cafe", ip: "192.168.71.5" },
      guest: { nat: "hotel", ip: "192.168.72.5" },
      gateway: { nat: "home", ip: "192.168.73.2" },
      nas: { nat: "home", ip: ADDRESSES.nas, routes: ["10.60.0.0/24 via 192.168.73.2"] },
    },
  } satisfies World,
  config: (lab: { managementAddress(host: string): string }): ScenarioConfig => {
    const pushed = (name: Machine) => ({
      address: ADDRESSES[name],
      host: `root@${lab.managementAddress(name)}`,
    });
    return {
      network: { cidr: "10.60.0.0/24" },
      policy: [
        { from: ["admin"], to: ["*"] },
        { from: ["tag:guest"], to: ["vps"], ports: ["tcp/443", "udp/53"] },
        { from: ["tag:guest"], to: [LAN], ports: ["tcp/80"] },
      ],
      expect: [
        { from: "guest", to: "vps", ports: ["tcp/443"], reach: true },
        { from: "guest", to: "admin", reach: false },
      ],
      relays: { relay: { ...pushed("relay"), endpoint: "203.0.113.10:51820" } },
      peers: {
        admin: pushed("admin"),
        guest: { ...pushed("guest"), tags: ["guest"] },
        gateway: { ...pushed("gateway"), subnets: [LAN] },
        vps: { ...pushed("vps"), endpoint: "203.0.113.50:51820" },
      },
    };
  },
};

type Attempt = [from: Machine, protocol: "tcp" | "udp", to: Machine, port: number];

/** What is answered. sshd serves port 22. */
const allowed: Attempt[] = [
  ["admin", "tcp", "guest", 80],
  ["admin", "tcp", "gateway", 22],
  ["admin", "tcp", "nas", 443],
  ["admin", "udp", "nas", 53],
  ["admin", "tcp", "vps", 8000],
  ["admin", "tcp", "relay", 22],
  ["guest", "tcp", "vps", 443],
  ["guest", "udp", "vps", 53],
  ["guest", "tcp", "nas", 80],
];
const forbidden: Attempt[] = [
  ["guest", "tcp", "vps", 80],
  ["guest", "udp", "vps", 443],
  ["guest", "tcp", "vps", 22],
  ["guest", "tcp", "nas", 443],
  ["guest", "udp", "nas", 53],
  ["guest", "tcp", "admin", 80],
  ["guest", "tcp", "gateway", 22],
  ["guest", "tcp", "relay", 22],
  ["vps", "tcp", "guest", 80],
  ["vps", "udp", "admin", 53],
  ["nas", "tcp", "admin", 80],
  ["gateway", "tcp", "guest", 80],
  ["relay", "tcp", "guest", 80],
];

describe("a network with a policy", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(network, "test-policy");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
    await serveEverywhere(mesh.lab);
    // Handshakes first, because they would delay the answers.
    for (const host of ["admin", "guest", "gateway", "vps"] as const)
      assert.ok(await canPingSoon(mesh.lab, host, ADDRESSES.relay), host);
    for (const host of ["admin", "guest"] as const)
      assert.ok(await canPingSoon(mesh.lab, host, ADDRESSES.vps), host);
  });
  after(() => mesh.lab.down());

  /** The attempts that are answered. */
  async function answered(attempts: readonly Attempt[]): Promise<Attempt[]> {
    const tried = attempts.map(([from, protocol, to, port]) => {
      return { from, protocol, to: ADDRESSES[to], port };
    });
    const found = await answeredBy(mesh.lab, tried);
    return attempts.filter((_, at) => tried.slice(at, at + 1).some((it) => found.includes(it)));
  }
  const sorted = (attempts: readonly Attempt[]) => attempts.map((it) => it.join(" ")).sort();

  it("answers what it allows, by port and in one direction, and nothing else", async () => {
    assert.deepEqual(sorted(await answered([...allowed, ...forbidden])), sorted(allowed));
  });

  it("answers a ping where any port is allowed, and at a relay", async () => {
    const pings: [Machine, Machine][] = [
      ["admin", "nas"],
      ["guest", "nas"],
      ["guest", "vps"],
      ["guest", "relay"],
      ["guest", "admin"],
      ["nas", "admin"],
      ["gateway", "guest"],
    ];
    const results = pings.map(([from, to], at) =>
      (at < 4 ? canPingSoon : canPing)(mesh.lab, from, ADDRESSES[to]),
    );
    const open = pings.filter((_, at) => at < 4).map(String);
    const replies = await Promise.all(results);
    assert.deepEqual(pings.filter((_, at) => replies[at]).map(String), open);
  });

  it("cuts what a change forbids, keeps every other connection open, and says which paths change", async () => {
    const policy = ["policy"];
    const edited = [
      { from: ["admin"], to: ["*"] },
      { from: ["tag:guest"], to: ["vps"], ports: ["tcp/443"] },
    ];
    const wait = "until [ -e /run/policy-changed ]; do sleep 0.2; done";
    const keep = async (from: Machine, to: Machine, ports: number[]) => {
      const argv = ["node", TRAFFIC, "keep", ADDRESSES[to], JSON.stringify(ports), wait];
      const { stdout } = succeeded(await mesh.lab.exec(from, argv, { timeoutMs: 200_000 }));
      return JSON.parse(stdout) as [boolean[], boolean[]];
    };
    const kept = Promise.all([
      keep("guest", "vps", [443]),
      keep("guest", "nas", [80]),
      keep("admin", "nas", [443, 80]),
      keep("admin", "guest", [8000]),
    ]);
    setConfig(mesh.stack, policy, edited);
    const preview = succeeded(await session.command("preview")).stdout;
    assert.match(preview, /^ {2}- .*guest.*192\.168\.73\.0\/24/m);
    succeeded(await session.pulumi(...UP));
    for (const host of ["guest", "admin"] as const)
      await session.on(host, "touch /run/policy-changed");
    assert.deepEqual(await kept, [
      [[true], [true]],
      [[true], [false]],
      [
        [true, true],
        [true, true],
      ],
      [[true], [true]],
    ]);
  });

  it("lets a peer gain nothing by another config, another source address or many packets", async () => {
    const counting = (match: string) =>
      `nft 'table inet lab { chain in { type filter hook prerouting priority -300; ${match} counter; }; }'`;
    const flood = `meta l4proto udp th dport 9999`;
    for (const host of ["admin", "gateway"] as const)
      await session.on(host, counting(`iifname wg0 ${flood}`));
    const publicKey = await session.on("relay", "wg show wg0 public-key");
    // guest's own config allows everything from the relay, and has admin's address too.
    await session.on(
      "guest",
      [
        `wg set wg0 peer ${publicKey} allowed-ips 0.0.0.0/0`,
        "for to in 10.60.0.0/24 192.168.73.0/24; do ip route replace $to dev wg0; done",
        `ip address add ${ADDRESSES.admin}/32 dev lo`,
        `for from in ${ADDRESSES.guest} ${ADDRESSES.admin}; do`,
        `  for to in ${ADDRESSES.gateway} ${ADDRESSES.nas} ${ADDRESSES.admin}; do`,
        `    ping -n -q -f -c 50 -W 1 -I $from $to >/dev/null 2>&1 &`,
        `    timeout 2 bash -c "for i in {1..200}; do echo x >/dev/udp/$to/9999; done" 2>/dev/null &`,
        "  done; done; wait",
        `ip address del ${ADDRESSES.admin}/32 dev lo`,
      ].join("\n"),
    );
    assert.deepEqual(sorted(await answered(forbidden.filter(([from]) => from === "guest"))), []);
    for (const host of ["admin", "gateway"] as const)
      assert.match(await session.on(host, "nft list table inet lab"), /counter packets 0 /, host);
    succeeded(await session.command("repush", "guest"));
    assert.ok(await canPingSoon(mesh.lab, "admin", ADDRESSES.guest));
  });

  it("changes nothing in a second up; without `policy` in the config, the tables are removed and vps reaches admin", async () => {
    const again = succeeded(await session.pulumi(...UP));
    assert.doesNotMatch(again.stdout, /changed, |created|updated|deleted|replaced/);
    for (const key of ["policy", "expect"]) deleteConfig(mesh.stack, [key]);
    succeeded(await session.pulumi(...UP));
    for (const host of ["relay", "vps"] as const)
      assert.equal(await session.on(host, "nft list tables | grep wireguard-mesh || true"), "");
    const open: Attempt[] = [["vps", "tcp", "admin", 80]];
    assert.deepEqual(await answered(open), open);
  });

  it("leaks no secret", () => session.leaks.end());
});
