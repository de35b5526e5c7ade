/** F24: manual changes on a host are in the facts that `status` uses and are fixed by the next push. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import type { Facts } from "../../../scripts/push/facts";
import { HostSession, LIVE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, keyPairFor } from "../support/pushing";

describe("a host with manual changes", function () {
  this.timeout(120_000);
  let lab: Lab;
  let leaks: LeakWatch;
  let session: HostSession;
  const nas = keyPairFor("nas").publicKey;
  const wanted: WantedState = {
    config: configOf("relay", "10.0.0.1/24", [
      ...["", "[Peer]", `PublicKey = ${nas}`, "AllowedIPs = 10.0.0.5/32, 192.168.10.0/24"],
      "Endpoint = 203.0.113.40:51820",
    ]),
    forwarding: true,
  };

  before(async () => {
    lab = await Lab.up({ hosts: { relay: { public: "203.0.113.10" } } }, { id: "test-f-hand" });
    leaks = await LeakWatch.forPushes(lab);
    session = new HostSession(lab, "relay");
    await session.converge(wanted);
  });
  after(() => lab.down());

  const peer = (facts: Facts) => facts.peers.find(({ publicKey }) => publicKey === nas);
  const notReported = (): boolean => true;

  /** The change, its command, and a check of the facts that it must produce. */
  const edits: [what: string, command: string, isReported: (facts: Facts) => boolean][] = [
    ["another port", "wg set wg0 listen-port 1234", (facts) => facts.listenPort === 1234],
    [
      "another key",
      "wg genkey >/tmp/k && wg set wg0 private-key /tmp/k && rm /tmp/k",
      (facts) => facts.publicKey !== keyPairFor("relay").publicKey,
    ],
    ["a removed peer", `wg set wg0 peer ${nas} remove`, (facts) => facts.peers.length === 0],
    [
      "an added peer",
      `wg set wg0 peer ${keyPairFor("stranger").publicKey} allowed-ips 10.0.0.77/32`,
      (facts) => facts.peers.length === 2,
    ],
    [
      "an added allowed IP",
      `wg set wg0 peer ${nas} allowed-ips 10.0.0.5/32,192.168.10.0/24,192.168.11.0/24`,
      (facts) => peer(facts)?.allowedIps.length === 3,
    ],
    [
      "a wrong endpoint",
      `wg set wg0 peer ${nas} endpoint 203.0.113.99:51820`,
      (facts) => facts.staleEndpoints[0]?.is === "203.0.113.99:51820",
    ],
    [
      "an added address",
      "ip address add 10.9.9.9/32 dev wg0",
      (facts) => facts.addresses.length === 2,
    ],
    ["no address", "ip address flush dev wg0", (facts) => facts.addresses.length === 0],
    ["another MTU", "ip link set mtu 1280 dev wg0", (facts) => facts.mtu === 1280],
    ["the interface down", "ip link set down dev wg0", (facts) => facts.interface === "down"],
    ["a deleted interface", "ip link del wg0", (facts) => facts.interface === "missing"],
    [
      "a removed route",
      "ip route del 192.168.10.0/24 dev wg0",
      (facts) => facts.routeChanges[0] === "add -4 192.168.10.0/24",
    ],
    [
      "an added route",
      "ip route add 198.51.100.0/24 dev wg0",
      (facts) => facts.routeChanges[0] === "del -4 198.51.100.0/24",
    ],
    ["no forwarding", "echo 0 >/proc/sys/net/ipv4/ip_forward", (facts) => !facts.forwarding.ipv4],
    [
      "no forwarding at the next boot",
      "rm /etc/sysctl.d/60-wireguard-mesh-wg0.conf",
      (facts) => facts.atBoot === false,
    ],
    ["an edited file", `echo '# mine' >>${LIVE}`, (facts) => facts.file !== facts.confirmedFile],
    ["a deleted file", `rm ${LIVE}`, (facts) => facts.file === null],
    ["a world-readable file", `chmod 644 ${LIVE}`, notReported],
  ];

  for (const [what, command, isReported] of edits) {
    it(`F24: ${what}: reported, and fixed by the next push`, async () => {
      const before = await snapshot();
      await session.run(command);
      const facts = await session.facts();
      assert.ok(isReported(facts), JSON.stringify(facts));
      await session.converge(wanted);
      assert.equal(await snapshot(), before);
      assert.equal((await session.apply(wanted)).outcome, "unchanged");
    });
  }

  it("F24: keeps a routing daemon's route on the interface", async () => {
    await session.run("ip route add 198.51.100.0/24 dev wg0 proto bird");
    assert.equal((await session.apply(wanted)).outcome, "unchanged");
    assert.deepEqual((await session.facts()).routeChanges, []);
    await session.run("ip route del 198.51.100.0/24 dev wg0");
  });

  it("F24: rolls an unconfirmed change back to the confirmed config, not to a file that was edited by hand", async () => {
    await session.run(`echo 'this is no config' >>${LIVE}`);
    const { token } = await session.apply({ ...wanted, config: `${wanted.config}\n`, timeout: 1 });
    await session.waitUntil(`[ "$(cat /run/wireguard-mesh/wg0/rolled-back)" = ${token} ]`);
    assert.equal((await session.facts()).interface, "up");
    assert.equal(await session.converge(wanted), "confirmed");
  });

  it("leaks no secret", () => leaks.end());

  /** Everything that a push restores. */
  async function snapshot(): Promise<string> {
    const shown = await session.run(
      `stat -c '%a %u' ${LIVE}; cat ${LIVE} /proc/sys/net/ipv4/ip_forward /etc/sysctl.d/60-wireguard-mesh-wg0.conf; wg showconf wg0; ip -o addr show dev wg0 scope global; ip -o link show dev wg0; ip route show dev wg0`,
    );
    // Without the interface index, which changes with a new interface.
    return shown.replace(/^\d+: /gm, "");
  }
});
