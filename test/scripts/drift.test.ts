import assert from "node:assert/strict";
import fc from "fast-check";
import { pathsOf } from "../../mesh/host/paths";
import type { Plan } from "../../mesh/plan/plan";
import { driftOf } from "../../scripts/stack/drift";
import { openNetworks } from "../support/networks";
import { planOf } from "../support/plan-of";
import * as by from "./support/hand-edits";
import { HOST_KEY, keyOf, nodeOf, nodes, planWithKeys } from "./support/network";
import { asPlanned, plan, plannedAs } from "./support/planned-network";
import { pushedHost } from "./support/pushed-host";

const { live } = pathsOf("wg0");
const AT_BOOT = "it would not be as planned after a boot: its unit or sysctl file differs";
const asPushed: by.Edit = (observed) => observed;

function driftAt(name: string, edit = asPushed, of: Plan = plan, age = 10): string[] {
  return driftOf(nodeOf(of, name), plannedAs(of), edit(asPlanned(of, name, age)));
}

describe("drift", () => {
  it("is empty for every host of any network that was pushed to with all its secrets", () => {
    fc.assert(
      fc.property(openNetworks, (raw) => {
        const of = planOf(raw);
        const keyring = {
          privateKeys: new Map(Object.entries(raw.privateKeys)),
          formerPrivateKeys: new Map(),
          presharedKeySeed: raw.presharedKeySeed ?? null,
          sshPrivateKey: null,
          sshAuthoritySeed: null,
        };
        for (const node of of.nodes.filter(({ hosts }) => hosts.length > 0)) {
          const observed = pushedHost(node, of, keyring, 10);
          assert.deepEqual(driftOf(node, plannedAs(of), observed), [], node.name);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("is empty when peers have roamed", () => {
    const endpoint = { address: "192.0.2.1", port: 9 };
    assert.deepEqual(driftAt("nas", by.firstPeer({ endpoint })), []);
  });

  const cases: [what: string, edit: by.Edit, drift: string[]][] = [
    [
      "a missing interface",
      by.allOf(by.deleted("wg0"), by.records({ owner: null })),
      ["wg0 is missing"],
    ],
    ["an interface that is down", by.link({ up: false }), ["wg0 is down"]],
    [
      "an interface without an owner",
      by.records({ owner: null }),
      [
        "wg0 has no owner mark: wireguard-mesh did not set it up; it has this node's key, so the next push takes it over",
      ],
    ],
    [
      "an interface of another stack",
      by.records({ owner: { stack: "x/y", node: "tokyo", machine: "", released: false } }),
      ["wg0 belongs to x/y"],
    ],
    [
      "an unconfirmed change",
      (it) => ({ ...it, pending: { token: "t", state: "applied" } }),
      ["a change is not confirmed"],
    ],
    [
      "an unconfirmed change of an older version",
      by.records({ pendingOfFormat2: "t" }),
      ["a change is not confirmed"],
    ],
    ["no forwarding", by.sysctl("net/ipv4/ip_forward", "0"), ["it does not forward IPv4"]],
    ["an edited file", by.file(live, "g"), [`${live} was edited by hand`]],
    ["a deleted file", by.file(live, null), [`${live} is missing`]],
    [
      "a file that was deleted from under an interface that is down",
      by.allOf(by.link({ up: false }), by.file(live, null)),
      ["wg0 is down", `${live} is missing`],
    ],
    ["a disabled start at boot", (it) => ({ ...it, bootLinks: new Set() }), [AT_BOOT]],
    ["a deleted sysctl file", by.records({ dropIn: null }), [AT_BOOT]],
    [
      "a preshared key that is not the one in the host's file",
      by.firstPeer({ presharedKey: "other" }),
      ["preshared key of peer nas is another one"],
    ],
    [
      "a removed preshared key",
      by.firstPeer({ presharedKey: "none" }),
      ["preshared key of peer nas is missing"],
    ],
    ["another MTU", by.link({ mtu: 1300 }), ["MTU is 1300, planned is 1420"]],
    ["another port", by.device({ listenPort: 1 }), ["listen port is 1, planned is 51820"]],
    [
      "another address",
      by.link({ addresses: ["10.9.9.9/24"] }),
      ["address 10.86.0.1/24 is missing", "address 10.9.9.9/24 is not in the plan"],
    ],
    ["a missing peer", by.peers((all) => all.slice(1)), ["peer nas is missing"]],
    [
      "an unplanned peer",
      by.peers((all) => [
        ...all,
        ...all.slice(0, 1).map((peer) => ({ ...peer, publicKey: keyOf("x") })),
      ]),
      [`peer ${keyOf("x")} is not in the plan`],
    ],
    [
      "a removed LAN",
      by.firstPeer({ allowedIps: ["10.86.0.2/32"] }),
      ["allowed IP of peer nas: 192.168.10.0/24 is missing"],
    ],
    [
      "another keepalive",
      by.firstPeer({ keepalive: 5 }),
      ["persistent keepalive of peer nas is 5, planned is off"],
    ],
    ["a removed route", by.noRoute("192.168.10.0/24"), ["the route to 192.168.10.0/24 is missing"]],
  ];
  for (const [what, edit, expected] of cases) {
    it(`names ${what}`, () => {
      assert.deepEqual(driftAt("tokyo", edit), expected);
    });
  }

  it("is empty for files and records in the format of an older version", () => {
    const older: by.Edit = (it) => ({
      ...by.records({ confirmedFile: null, rotation: ["other words"] })(it),
      configs: new Map([...it.configs].map(([path, lines]) => [path, lines.slice(1)])),
    });
    assert.deepEqual(driftAt("tokyo", older), []);
    const edited = by.allOf(older, by.link({ up: false }), by.records({ dropIn: null }));
    assert.deepEqual(driftAt("tokyo", edited), ["wg0 is down", AT_BOOT]);
  });
});

describe("drift from a plan that is newer than the last push", () => {
  const node = nodes("tokyo", "nas", "vps");
  const relays = { tokyo: node("tokyo", { host: "local", endpoint: "203.0.113.10:51820" }) };
  const before = planWithKeys({ relays, peers: { nas: node("nas") } });

  it("lists differences of the running system, and not outdated files with the same differences", () => {
    const after = planWithKeys({ relays, peers: { nas: node("nas"), vps: node("vps") } });
    const drift = driftOf(nodeOf(after, "tokyo"), plannedAs(after), asPlanned(before, "tokyo"));
    assert.deepEqual(drift, ["peer vps is missing"]);
  });
});

describe("drift of an endpoint that is a name", () => {
  const NAME = "relay.example.org";
  const node = nodes("tokyo", "laptop");
  const of = planWithKeys({
    relays: { tokyo: node("tokyo", { endpoint: `${NAME}:51820` }) },
    peers: { laptop: node("laptop", { host: "local" }) },
  });
  const answer =
    (...addresses: string[]): by.Edit =>
    (it) => ({ ...it, answers: new Map(addresses.length === 0 ? [] : [[NAME, addresses]]) });

  it("is a session without answers at an address that the name no longer has", () => {
    assert.deepEqual(driftAt("laptop", answer("192.0.2.99"), of, 181), [
      `endpoint of peer tokyo is 192.0.2.77:51820, and no handshake for 180 s; ${NAME}:51820 has another address now`,
    ]);
    assert.deepEqual(driftAt("laptop", answer("192.0.2.99", "192.0.2.77"), of, 181), []);
    assert.deepEqual(driftAt("laptop", answer(), of, 181), []);
  });

  it("is empty while the tunnel works, even if the file has the former address: the host follows the name", () => {
    assert.deepEqual(driftAt("laptop", answer("192.0.2.99"), of, 10), []);
  });

  it("is reported when the host does not follow the name", () => {
    assert.deepEqual(
      driftAt("laptop", (it) => ({ ...it, ticker: "missing" }), of, 10),
      ["its periodic tasks (expiry dates of peers, names in endpoints) are not as planned"],
    );
  });
});

describe("drift of a relay with a second interface and a neighbour with two keys", () => {
  const node = nodes("tokyo", "nas");
  const of = planWithKeys({
    relays: {
      tokyo: node("tokyo", {
        ...{ host: "root@203.0.113.10", hostKey: HOST_KEY },
        ...{ publicKey: keyOf("tokyo former"), nextPublicKey: keyOf("tokyo") },
      }),
    },
    peers: { nas: node("nas", { host: "local", nextPublicKey: keyOf("nas next") }) },
  });

  it("is empty as pushed, whichever of the two keys has the prefixes", () => {
    assert.deepEqual(driftAt("tokyo", asPushed, of), []);
    const swapped = by.peers((all) => {
      const [one, other] = all.map(({ allowedIps }) => allowedIps);
      return all.map((peer, at) => ({ ...peer, allowedIps: (at === 0 ? other : one) ?? [] }));
    });
    assert.deepEqual(driftAt("tokyo", swapped, of), []);
  });

  it("names the second interface, the watcher, and the key", () => {
    const missing = driftAt("tokyo", by.deleted("wg0-next"), of);
    assert.deepEqual(missing, ["wg0-next is missing"]);
    assert.deepEqual(
      driftAt("tokyo", (it) => ({ ...it, watcher: "missing" }), of),
      ["the watcher of the rotating keys is not running"],
    );
    const next = by.peers((all) => all.filter(({ publicKey }) => publicKey !== keyOf("nas next")));
    assert.deepEqual(driftAt("tokyo", next, of), ["peer nas (next key) is missing"]);
  });
});
