/**
 * `doctor` names the cause of each fault and nothing else, and its remedy repairs it. Stand-ins: a machine that is off
 * drops every packet, and a wrong clock is a fake program `date`. Needs root.
 */
import * as assert from "node:assert/strict";
import { relay } from "../../scripts/lab/scenarios/relay";
import type { DoctorReport } from "../../scripts/commands/doctor/doctor-report";
import { meshLab, type MeshLab } from "./support/mesh-lab";
import { openSession, succeeded, UP, type MeshSession } from "./support/mesh-session";
import { drops, NO_DROPS } from "./support/packet-drops";
import { canPingSoon } from "./support/small-world";
import { setConfig } from "./support/stack-edits";

const NAME = "relay.example.org";
const RELAY = "203.0.113.10";
const NAS = "203.0.113.40";
/** The LAN behind the desktop, which forwards for it. */
const LAN = "192.168.77.0/24";

interface Fault {
  what: string;
  /** A host of the lab, or a router, and the script that breaks it. */
  at: string;
  breaks: string;
  /** Whether the relay restarts its tunnel, which forgets its peers' endpoints. */
  restarts?: true;
  /** Undoes the fault; absent: the remedies below do. */
  mends?: string;
  /** Commands of the finding's remedy, which the test runs. */
  follows?: string[];
  node: string;
  check: string;
  cause: RegExp;
  remedy: RegExp;
}

const FAULTS: Fault[] = [
  {
    what: "a machine that is off",
    at: "laptop",
    breaks: `${drops("input", 'meta iifname != "lo"')}\nnft 'add chain inet fault o { type filter hook output priority -10; meta oifname != "lo" drop; }'`,
    mends: NO_DROPS,
    node: "laptop",
    check: "TCP",
    cause: /^timed out: \S+ port 22 does not answer$/,
    remedy: /^Is the machine on/,
  },
  {
    what: "another private key than the planned one",
    at: "laptop",
    breaks: "wg genkey | wg set wg0 private-key /dev/stdin",
    follows: ["repush", "laptop"],
    node: "laptop",
    check: "interface",
    cause: /^public key is \S+, planned is \S+$/,
    remedy: /^npx wireguard-mesh repush laptop \(/,
  },
  {
    what: "another public key for a peer",
    at: "relay",
    breaks:
      "wg set wg0 peer $(wg show wg0 allowed-ips | grep -F 10.0.0.3/32 | cut -f 1) remove; wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips 10.0.0.3/32",
    follows: ["repush", "relay"],
    node: "relay",
    check: "peers",
    cause: /^peer laptop is missing; peer \S+ is not in the plan$/,
    remedy: /^npx wireguard-mesh repush relay \(/,
  },
  {
    what: "another preshared key",
    at: "desktop",
    breaks:
      "wg genpsk | wg set wg0 peer $(wg show wg0 allowed-ips | grep -F 10.0.0.0/24 | cut -f 1) preshared-key /dev/stdin",
    follows: ["repush", "desktop"],
    node: "desktop",
    check: "peers",
    cause: /^preshared key of peer relay is another one$/,
    remedy: /^npx wireguard-mesh repush desktop \(/,
  },
  {
    what: "a firewall of the relay that drops its UDP port",
    at: "relay",
    breaks: drops("input", "udp dport 51820"),
    mends: NO_DROPS,
    node: "relay",
    check: "firewall",
    cause:
      /^a firewall on this host \(chain c of inet\/fault\) lets no UDP in at port 51820, where others dial it$/,
    remedy: /nft/,
  },
  {
    what: "a router that drops UDP on the way",
    at: "cafe",
    breaks: drops("forward", "udp dport 51820"),
    mends: NO_DROPS,
    node: "laptop",
    check: "UDP",
    cause: /^nothing that it sends to 203\.0\.113\.10:51820 \(UDP\) arrives at relay$/,
    remedy: /^open UDP port 51820 in the firewall of relay's provider or router; /,
  },
  {
    what: "a router that drops the answers",
    at: "cafe",
    breaks: drops("forward", "udp sport 51820"),
    mends: NO_DROPS,
    node: "laptop",
    check: "UDP",
    cause: /^its packets arrive at relay, but no answer comes back$/,
    remedy: /^let UDP answers from 203\.0\.113\.10:51820 in, on laptop and its router; /,
  },
  {
    what: "a clock one hour back",
    at: "laptop",
    breaks:
      "printf '#!/bin/sh\\necho $(($(/usr/bin/date +%%s) - 3600))\\n' >/usr/local/bin/date; chmod 755 /usr/local/bin/date",
    mends: "rm /usr/local/bin/date",
    node: "laptop",
    check: "clock",
    cause: /^its clock is 60 min behind this machine's; /,
    remedy: /^set the clock that is wrong: sudo timedatectl set-ntp true$/,
  },
  {
    what: "an MTU hole",
    at: "cafe",
    breaks: drops("forward", "meta l4proto udp meta length > 1300"),
    mends: NO_DROPS,
    node: "laptop",
    check: "MTU",
    cause:
      /^packets of more than 12\d\d bytes are lost between it and relay, and the MTU of the tunnel is 14\d\d$/,
    remedy: /^set peers\.laptop\.mtu to 12\d\d in the stack file, then run npx wireguard-mesh up$/,
  },
  {
    what: "a LAN that overlaps",
    at: "laptop",
    breaks:
      "ip link add lan0 type veth peer name lan1; ip link set lan0 up; ip link set lan1 up; ip address add 192.168.77.20/24 dev lan0",
    mends: "ip link del lan0",
    node: "laptop",
    check: "addresses",
    cause:
      /^192\.168\.77\.0\/24 leads into the tunnel, and this host is in that network itself, by lan0: /,
    remedy: /^where it is the same network, give laptop the same site /,
  },
  {
    what: "a relay without forwarding",
    at: "relay",
    breaks: "sysctl -qw net.ipv4.ip_forward=0",
    follows: ["repush", "relay"],
    node: "relay",
    check: "forwarding",
    cause: /^it does not forward IPv4$/,
    remedy: /^npx wireguard-mesh repush relay \(/,
  },
  {
    what: "an interface that was taken down",
    at: "desktop",
    breaks: "wg-quick down wg0 2>&1",
    follows: ["repush", "desktop"],
    node: "desktop",
    check: "interface",
    cause: /^wg0 is missing$/,
    remedy: /^npx wireguard-mesh repush desktop \(/,
  },
  {
    what: "an endpoint's name that leads to another machine",
    at: "laptop",
    breaks: `sed -i 's/^${RELAY} ${NAME}$/${NAS} ${NAME}/' /etc/hosts; wg set wg0 peer $(wg show wg0 peers) endpoint ${NAS}:51820`,
    restarts: true,
    mends: `sed -i 's/^${NAS} ${NAME}$/${RELAY} ${NAME}/' /etc/hosts`,
    node: "laptop",
    check: "endpoint",
    cause: /^relay\.example\.org is 203\.0\.113\.40 for laptop, which is nas, not relay$/,
    remedy: /^correct the DNS record of relay\.example\.org, .*: it is followed within 3 min\. /,
  },
  {
    what: "such an endpoint in a tunnel that works, because the relay's packets come from the right one",
    at: "laptop",
    breaks: `sed -i 's/^${RELAY} ${NAME}$/${NAS} ${NAME}/' /etc/hosts`,
    mends: `sed -i 's/^${NAS} ${NAME}$/${RELAY} ${NAME}/' /etc/hosts`,
    node: "laptop",
    check: "endpoint",
    cause:
      /^relay\.example\.org is 203\.0\.113\.40 for laptop, .*; the tunnel works until it is restarted, /,
    remedy: /^correct the DNS record of relay\.example\.org, /,
  },
];

describe("doctor", function () {
  this.timeout(400_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    const world = { ...relay.world, hosts: { ...relay.world.hosts, nas: { public: NAS } } };
    mesh = await meshLab({ ...relay, world }, "test-doctor");
    setConfig(mesh.stack, ["relays", "relay", "endpoint"], `${NAME}:51820`);
    setConfig(mesh.stack, ["peers", "desktop", "subnets"], [LAN]);
    session = await openSession(mesh);
    for (const host of ["desktop", "laptop", "nas"])
      await session.on(host, `echo '${RELAY} ${NAME}' >>/etc/hosts`);
    const nas = ["nas", "--host", `root@${NAS}`, "--host-key", mesh.lab.hostKey("nas")];
    succeeded(await session.command("add-peer", ...nas));
    succeeded(await session.command("add-peer", "phone"));
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  const examine = async (...names: string[]): Promise<DoctorReport> => {
    const startedAt = performance.now();
    const done = await session.command("doctor", "--json", ...names);
    console.log(`      ${Math.round(performance.now() - startedAt)} ms`);
    const report = JSON.parse(done.stdout) as DoctorReport;
    assert.ok("findings" in report, done.stdout + done.stderr);
    assert.equal(done.code, report.ok ? 0 : 1, done.stderr);
    return report;
  };
  const found = ({ findings }: DoctorReport) => findings.map(({ node, check }) => [node, check]);

  it("finds nothing in a healthy network, with one login to each host", async () => {
    const before = mesh.lab.logins("nas");
    const report = await examine();
    assert.equal(mesh.lab.logins("nas") - before, 1);
    assert.deepEqual(report.findings, []);
    assert.deepEqual(report.well, ["desktop", "laptop", "nas", "relay"]);
    assert.deepEqual(report.unknown, ["phone"]);
    const shown = succeeded(await session.command("doctor"));
    assert.equal(shown.stdout, "well: desktop, laptop, nas, relay\nnot judged: phone\n");
  });

  for (const fault of FAULTS) {
    it(`names ${fault.what}, and nothing else`, async () => {
      await session.on(fault.at, fault.breaks);
      if (fault.restarts) await session.on("relay", "(wg-quick down wg0; wg-quick up wg0) 2>&1");
      try {
        const report = await examine();
        assert.deepEqual(found(report), [[fault.node, fault.check]], JSON.stringify(report));
        assert.match(report.findings[0]?.cause ?? "", fault.cause);
        assert.match(report.findings[0]?.remedy ?? "", fault.remedy);
        console.log(`      ${report.findings[0]?.remedy}`);
      } finally {
        if (fault.mends !== undefined) await session.on(fault.at, fault.mends);
        if (fault.follows !== undefined) succeeded(await session.command(...fault.follows));
      }
      for (const [from, to] of [
        ["laptop", "10.0.0.2"],
        ["desktop", "10.0.0.1"],
      ] as const) {
        // Three minutes, on a machine that may be busy.
        assert.ok(await canPingSoon(mesh.lab, from, to, 240_000), `${from} > ${to}`);
      }
      assert.deepEqual((await examine()).findings, [], "it is repaired");
    });
  }

  it("checks a device by its relay's handshakes, if it is named", async () => {
    const { findings } = await examine("phone");
    assert.deepEqual(found(await examine("phone")), [["phone", "handshake"]]);
    assert.match(findings[0]?.remedy ?? "", /npx wireguard-mesh qr phone$/);
  });

  it("names a policy that forbids the first of two nodes to reach the second; the remedy's rule allows it", async () => {
    const rules = [{ from: ["desktop"], to: ["*"] }];
    setConfig(mesh.stack, ["policy"], rules);
    succeeded(await session.pulumi(...UP));
    assert.deepEqual((await examine()).findings, []);
    assert.deepEqual(found(await examine("laptop", "desktop")), [["laptop", "policy"]]);
    assert.deepEqual((await examine("desktop", "laptop")).findings, []);
    setConfig(mesh.stack, ["policy"], [...rules, { from: ["laptop"], to: ["desktop"] }]);
    succeeded(await session.pulumi(...UP));
    assert.deepEqual((await examine("laptop", "desktop")).findings, []);
  });

  it("leaks no secret", () => session.leaks.end());
});
