/** What is changed on a host by hand: seen by status, which changes nothing, and mended by repush and by `up --check`. Needs root. */
import * as assert from "node:assert/strict";
import { relay } from "../../../scripts/lab/scenarios/relay";
import { comesToAnswer } from "../support/small-world";
import { lossDuring } from "../support/ping-stream";
import { meshLab, type MeshLab } from "../support/mesh-lab";
import { succeeded, talkTo, UP, type Talk } from "../support/mesh-talk";

interface Status {
  nodes: Record<string, { drift: string[] }>;
}

describe("a hand on a host", function () {
  this.timeout(300_000);
  let mesh: MeshLab;
  let talk: Talk;

  before(async () => {
    mesh = await meshLab(relay, "test-drift");
    talk = await talkTo(mesh);
    succeeded(await talk.pulumi(...UP));
  });
  after(() => mesh.lab.down());

  async function driftOf(node: string): Promise<string[]> {
    const { stdout } = await talk.command("status", node, "--json");
    return (JSON.parse(stdout) as Status).nodes[node]?.drift ?? [];
  }

  /** Each at a node, done together: what a hand does, and what status says to it. */
  const HANDS: [string, [string, RegExp][]][] = [
    [
      "desktop",
      [
        ["ip address add 10.0.0.77/24 dev wg0", /^address 10\.0\.0\.77\/24 is there/],
        ["wg set wg0 peer $(wg show wg0 peers) persistent-keepalive 7", /keepalive .* is 7/],
        ["echo '# mine' >>/etc/wireguard/wg0.conf", /wg0\.conf was edited by hand$/],
      ],
    ],
    [
      "desktop",
      [
        ["wg set wg0 peer $(wg show wg0 peers) remove", /^peer relay is missing$/],
        ["rm /etc/wireguard/wg0.conf", /wg0\.conf was deleted$/],
      ],
    ],
    ["desktop", [["ip link del dev wg0", /^wg0 is missing$/]]],
    ["desktop", [["ip link set mtu 1300 dev wg0", /differs from its file/]]],
    [
      "relay",
      [
        ["wg set wg0 listen-port 51999", /^listen port is 51999, planned is 51820$/],
        ["echo 0 >/proc/sys/net/ipv4/ip_forward", /^it does not forward IPv4$/],
        ["rm /etc/sysctl.d/60-wireguard-mesh-wg0.conf", /would not come up at boot/],
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
          /differs from its file/,
        ],
      ],
    ],
  ];

  it("F24: is seen by status, whatever it has changed, and mended by repush alone", async () => {
    for (const [node, hands] of HANDS) {
      for (const [script] of hands) await talk.on(node, script);
      const seen = await driftOf(node);
      for (const [script, expected] of hands) {
        assert.ok(
          seen.some((line) => expected.test(line)),
          `${script}: ${JSON.stringify(seen)}`,
        );
      }
      const mended = succeeded(await talk.command("repush", node));
      assert.match(mended.stdout, new RegExp(`fixed:.* ${node} `));
      assert.deepEqual(await driftOf(node), [], JSON.stringify(seen));
    }
  });

  it("F24: leaves no difference behind: the engine's next run has nothing to do, and logs in nowhere", async () => {
    const before = talk.logins();
    const up = succeeded(await talk.pulumi(...UP));
    assert.doesNotMatch(up.stdout, /changed, |created|updated|deleted|replaced/);
    assert.deepEqual(talk.loginsSince(before), { relay: 0, desktop: 0, laptop: 0 });
  });

  it("F24: on a relay is mended without a packet lost between its peers", async () => {
    await talk.on("relay", "wg set wg0 peer $(wg genkey | wg pubkey) allowed-ips 10.0.0.99/32");
    assert.equal(await comesToAnswer(mesh.lab, "laptop", "10.0.0.2"), true);
    const loss = await lossDuring(mesh.lab, "laptop", "10.0.0.2", async () => {
      succeeded(await talk.command("repush", "relay"));
    });
    assert.ok(loss.sent > 50, `only ${loss.sent} pings`);
    assert.equal(loss.sent - loss.received, 0);
    assert.deepEqual(await driftOf("relay"), []);
  });

  it("F24: is looked for at every host by `up --check`, said first, and mended after", async () => {
    await talk.on("laptop", "ip link set down dev wg0");
    const up = succeeded(await talk.command("up", "--check", "--yes", "--skip-preview"));
    assert.match(up.stderr, /laptop.* differs from the plan:\n {2}wg0 is down/);
    assert.match(up.stdout, /as planned again:.* laptop/);
    assert.deepEqual(await driftOf("laptop"), []);
    const again = succeeded(await talk.command("up", "--check", "--yes", "--skip-preview"));
    assert.match(again.stderr, /All hosts match the plan/);
  });

  it("let no secret be seen anywhere in all of this", () => talk.leaks.end());
});
