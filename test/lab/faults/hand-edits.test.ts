/** F24: what a hand has changed on a host is seen by status' facts and mended by the next push. Needs root. */
import * as assert from "node:assert/strict";
import { Lab } from "../../../scripts/lab/lab";
import type { Facts } from "../../../scripts/push/facts";
import { HostSession, LIVE, type WantedState } from "../support/host-protocol";
import { LeakWatch } from "../support/leak-watch";
import { configOf, keyPairFor } from "../support/pushing";

describe("a host on which somebody has changed something by hand", function () {
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
  const same = (): boolean => true;

  /** What was done by hand, and what the host then says of itself. */
  const edits: [what: string, by: string, seen: (facts: Facts) => boolean][] = [
    ["another port", "wg set wg0 listen-port 1234", (facts) => facts.listenPort === 1234],
    [
      "another key",
      "wg genkey >/tmp/k && wg set wg0 private-key /tmp/k && rm /tmp/k",
      (facts) => facts.publicKey !== keyPairFor("relay").publicKey,
    ],
    ["a peer taken away", `wg set wg0 peer ${nas} remove`, (facts) => facts.peers.length === 0],
    [
      "a peer more",
      `wg set wg0 peer ${keyPairFor("stranger").publicKey} allowed-ips 10.0.0.77/32`,
      (facts) => facts.peers.length === 2,
    ],
    [
      "an allowed IP more",
      `wg set wg0 peer ${nas} allowed-ips 10.0.0.5/32,192.168.10.0/24,192.168.11.0/24`,
      (facts) => peer(facts)?.allowedIps.length === 3,
    ],
    [
      "an endpoint that leads nowhere",
      `wg set wg0 peer ${nas} endpoint 203.0.113.99:51820`,
      (facts) => facts.staleEndpoints[0]?.is === "203.0.113.99:51820",
    ],
    [
      "an address more",
      "ip address add 10.9.9.9/32 dev wg0",
      (facts) => facts.addresses.length === 2,
    ],
    ["no address", "ip address flush dev wg0", (facts) => facts.addresses.length === 0],
    ["another MTU", "ip link set mtu 1280 dev wg0", (facts) => facts.mtu === 1280],
    ["the interface down", "ip link set down dev wg0", (facts) => facts.interface === "down"],
    ["the interface gone", "ip link del wg0", (facts) => facts.interface === "missing"],
    [
      "a route taken away",
      "ip route del 192.168.10.0/24 dev wg0",
      (facts) => facts.routeChanges[0] === "add -4 192.168.10.0/24",
    ],
    [
      "a route more",
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
    ["a file that all may read", `chmod 644 ${LIVE}`, same],
  ];

  for (const [what, by, seen] of edits) {
    it(`F24: ${what}: seen, and mended by the next push`, async () => {
      const whole = await snapshot();
      await session.run(by);
      const facts = await session.facts();
      assert.ok(seen(facts), JSON.stringify(facts));
      await session.converge(wanted);
      assert.equal(await snapshot(), whole);
      assert.equal((await session.apply(wanted)).outcome, "unchanged");
    });
  }

  it("F24: a route of somebody else's daemon on the interface stays", async () => {
    await session.run("ip route add 198.51.100.0/24 dev wg0 proto bird");
    assert.equal((await session.apply(wanted)).outcome, "unchanged");
    assert.deepEqual((await session.facts()).routeChanges, []);
    await session.run("ip route del 198.51.100.0/24 dev wg0");
  });

  it("F24: a change that is not confirmed goes back to what was confirmed, not to a file edited by hand since", async () => {
    await session.run(`echo 'this is no config' >>${LIVE}`);
    const { token } = await session.apply({ ...wanted, config: `${wanted.config}\n`, timeout: 1 });
    await session.waitUntil(`[ "$(cat /run/wireguard-mesh/wg0/rolled-back)" = ${token} ]`);
    assert.equal((await session.facts()).interface, "up");
    assert.equal(await session.converge(wanted), "confirmed");
  });

  it("leaks no secret", () => leaks.end());

  /** All that a push is to mend. */
  async function snapshot(): Promise<string> {
    const shown = await session.run(
      `stat -c '%a %u' ${LIVE}; cat ${LIVE} /proc/sys/net/ipv4/ip_forward /etc/sysctl.d/60-wireguard-mesh-wg0.conf; wg showconf wg0; ip -o addr show dev wg0 scope global; ip -o link show dev wg0; ip route show dev wg0`,
    );
    // A new link has another number.
    return shown.replace(/^\d+: /gm, "");
  }
});
