import assert from "node:assert/strict";
import { driftOf } from "../../scripts/stack/drift";
import type { Facts } from "../../scripts/push/facts";
import { asPlanned, OWNER, plan } from "./support/planned-network";
import { keyOf, nodeOf } from "./support/network";

describe("drift", () => {
  const driftAt = (name: string, change: (facts: Facts) => Partial<Facts>) => {
    const facts = asPlanned(plan, name);
    return driftOf(nodeOf(plan, name), plan, OWNER, { ...facts, ...change(facts) });
  };

  it("is empty for a host that matches the plan, also when its peers have roamed", () => {
    assert.deepEqual(
      driftAt("tokyo", () => ({})),
      [],
    );
    const roamed = (facts: Facts) => ({
      peers: facts.peers.map((peer) => ({ ...peer, endpoint: "192.0.2.1:9" })),
    });
    assert.deepEqual(driftAt("tokyo", roamed), []);
  });

  const cases: [string, (facts: Facts) => Partial<Facts>, string[]][] = [
    ["a missing interface", () => ({ interface: "missing", owner: null }), ["wg0 is missing"]],
    ["an interface that is down", () => ({ interface: "down" }), ["wg0 is down"]],
    [
      "an interface without an owner",
      () => ({ owner: null }),
      ["wg0 exists, but has no owner mark: wireguard-mesh did not set it up"],
    ],
    ["an interface of another stack", () => ({ owner: "x/y" }), ["wg0 belongs to x/y"]],
    ["an unconfirmed change", () => ({ pending: "t" }), ["a change is not confirmed"]],
    [
      "no forwarding",
      () => ({ forwarding: { ipv4: false, ipv6: false } }),
      ["it does not forward IPv4"],
    ],
    ["an edited file", () => ({ file: "g" }), ["/etc/wireguard/wg0.conf was edited by hand"]],
    ["a deleted file", () => ({ file: null }), ["/etc/wireguard/wg0.conf was deleted"]],
    [
      "a disabled start at boot",
      () => ({ atBoot: false }),
      ["it would not come up at boot: its unit or sysctl file differs"],
    ],
    [
      "a difference that only the host can see",
      () => ({ runsOtherwise: true }),
      ["wg0 differs from its file: its MTU, or a preshared key"],
    ],
    ["another port", () => ({ listenPort: 1 }), ["listen port is 1, planned is 51820"]],
    [
      "another address",
      () => ({ addresses: ["10.9.9.9/24"] }),
      ["address 10.86.0.1/24 is missing", "address 10.9.9.9/24 is not in the plan"],
    ],
    ["a missing peer", (facts) => ({ peers: facts.peers.slice(1) }), ["peer nas is missing"]],
    [
      "an unplanned peer",
      (facts) => ({
        peers: [
          ...facts.peers,
          ...facts.peers.slice(0, 1).map((peer) => ({ ...peer, publicKey: keyOf("x") })),
        ],
      }),
      [`peer ${keyOf("x")} is not in the plan`],
    ],
    [
      "a removed LAN",
      (facts) => ({
        peers: facts.peers.map((peer) => ({ ...peer, allowedIps: peer.allowedIps.slice(0, 1) })),
      }),
      ["allowed IP of peer nas: 192.168.10.0/24 is missing"],
    ],
    [
      "another keepalive",
      (facts) => ({
        peers: facts.peers.map((peer, at) =>
          at === 0 ? { ...peer, persistentKeepalive: 5 } : peer,
        ),
      }),
      ["persistent keepalive of peer nas is 5, planned is off"],
    ],
  ];
  for (const [what, change, expected] of cases) {
    it(`names ${what}`, () => {
      assert.deepEqual(driftAt("tokyo", change), expected);
    });
  }
});
