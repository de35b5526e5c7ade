/** Manual changes on a host are reported by `status` and fixed by `repush` and `up --check`. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { canPingSoon } from "../support/small-world";
import { lossDuring } from "../support/ping-stream";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded, openSession, UP, type MeshSession } from "../support/mesh-session";

interface Status {
  nodes: Record<string, { drift: string[] }>;
}

describe("a manual change on a host", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let session: MeshSession;

  before(async () => {
    mesh = await meshLab(relay, "test-drift");
    session = await openSession(mesh);
    succeeded(await session.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  async function driftOf(node: string): Promise<string[]> {
    const { stdout } = await session.command("status", node, "--json");
    return (JSON.parse(stdout) as Status).nodes[node]?.drift ?? [];
  }

  /** A node, changes made to it together, and the expected drift of each. */
  const CHANGES: [string, [string, RegExp][]][] = [
    [
      "desktop",
      [
        ["ip address add 10.0.0.77/24 dev wg0", /^address 10\.0\.0\.77\/24 is not in the plan$/],
        ["wg set wg0 peer $(wg show wg0 peers) persistent-keepalive 7", /keepalive .* is 7/],
        ["echo '# mine' >>/etc/wireguard/wg0.conf", /wg0\.conf was edited by hand$/],
      ],
    ],
    [
      "desktop",
      [
        ["wg set wg0 peer $(wg show wg0 peers) remove", /^peer relay is missing$/],
        ["rm /etc/wireguard/wg0.conf", /wg0\.conf is missing$/],
      ],
    ],
    ["desktop", [["ip link del dev wg0", /^wg0 is missing$/]]],
    ["desktop", [["ip link set mtu 1300 dev wg0", /^MTU is 1300, planned is \d+$/]]],
    [
      "relay",
      [
        ["wg set wg0 listen-port 51999", /^listen port is 51999, planned is 51820$/],
        ["echo 0 >/proc/sys/net/ipv4/ip_forward", /^it does not forward IPv4$/],
        ["rm /etc/sysctl.d/60-wireguard-mesh-wg0.conf", /would not be as planned after a boot/],
        [
          "wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips 10.0.0.99/32",
          /^peer \S{44} is not in the plan$/,
        ],
      ],
    ],
    [
      "relay",
      [
        [
          "wg set wg0 peer $(wg show wg0 peers | head -n 1) preshared-key /dev/null",
          /^preshared key of peer (desktop|laptop) is missing$/,
        ],
      ],
    ],
  ];

  it("F24: is reported by status and fixed by repush", async () => {
    for (const [node, changes] of CHANGES) {
      for (const [script] of changes) await session.on(node, script);
      const drift = await driftOf(node);
      for (const [script, expected] of changes) {
        assert.ok(
          drift.some((line) => expected.test(line)),
          `${script}: ${JSON.stringify(drift)}`,
        );
      }
      const repushed = succeeded(await session.command("repush", node));
      assert.match(repushed.stdout, new RegExp(`fixed:.* ${node} `));
      assert.deepEqual(await driftOf(node), [], JSON.stringify(drift));
    }
  });

  it("F24: leaves nothing to do for the next up, which logs in to no host", async () => {
    const before = session.logins();
    const up = succeeded(await session.pulumi(...UP));
    assert.doesNotMatch(up.stdout, /changed, |created|updated|deleted|replaced/);
    assert.deepEqual(session.loginsSince(before), { relay: 0, desktop: 0, laptop: 0 });
  });

  it("F24: on a relay is fixed without packet loss between its peers", async () => {
    await session.on("relay", "wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips 10.0.0.99/32");
    assert.equal(await canPingSoon(mesh.lab, "laptop", "10.0.0.2"), true);
    const loss = await lossDuring(mesh.lab, "laptop", "10.0.0.2", async () => {
      succeeded(await session.command("repush", "relay"));
    });
    assert.ok(loss.sent > 50, `only ${loss.sent} pings`);
    assert.equal(loss.sent - loss.received, 0);
    assert.deepEqual(await driftOf("relay"), []);
  });

  it("F24: is reported and then fixed by `up --check`", async () => {
    await session.on("laptop", "ip link set down dev wg0");
    const up = succeeded(await session.command("up", "--check", "--yes", "--skip-preview"));
    assert.match(up.stderr, /laptop.* differs from the plan:\n {2}wg0 is down/);
    assert.match(up.stdout, /as planned again:.* laptop/);
    assert.deepEqual(await driftOf("laptop"), []);
    const again = succeeded(await session.command("up", "--check", "--yes", "--skip-preview"));
    assert.match(again.stderr, /All hosts match the plan/);
  });

  it("leaks no secret", () => session.leaks.end());
});
