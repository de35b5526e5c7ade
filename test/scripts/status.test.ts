import assert from "node:assert/strict";
import type { Plan } from "../../mesh/plan/plan";
import type { Answer } from "../../scripts/commands/status/ask-nodes";
import { driftOf } from "../../scripts/commands/status/drift";
import { linkStates } from "../../scripts/commands/status/link-states";
import {
  formatAge,
  formatBytes,
  statusReport,
  statusText,
} from "../../scripts/commands/status/status-report";
import { awaitLinks } from "../../scripts/commands/up/await-links";
import type { Facts, PeerFacts } from "../../scripts/push/facts";
import { HOST_KEY, keyOf, nodeOf, nodes, planOf } from "./support/network";

const OWNER = "wireguard-mesh/test";
const NOW = 1_000_000;

const node = nodes("tokyo", "nas", "phone", "vps");
const plan = planOf({
  relays: { tokyo: node("tokyo", { host: "root@203.0.113.10", hostKey: HOST_KEY }) },
  peers: {
    nas: node("nas", { host: "local", subnets: ["192.168.10.0/24"] }),
    phone: node("phone"),
    vps: node("vps", {
      host: "root@198.51.100.9",
      hostKey: HOST_KEY,
      endpoint: "198.51.100.9:51820",
    }),
  },
});

/** A host that is just as planned; every handshake `age` seconds ago. */
function asPlanned(of: Plan, name: string, age: number | null = 10): Facts {
  const planned = nodeOf(of, name);
  return {
    owner: OWNER,
    node: name,
    machine: "m",
    digest: "d",
    pending: null,
    rolledBack: null,
    backend: "kernel",
    file: "f",
    confirmedFile: "f",
    atBoot: true,
    routeChanges: [],
    staleEndpoints: [],
    interface: "up",
    publicKey: planned.publicKey,
    listenPort: planned.listenPort ?? 40_000,
    mtu: 1420,
    addresses: [`${planned.address.text}/24`],
    forwarding: { ipv4: true, ipv6: false },
    now: NOW,
    peers: planned.sections.map((section): PeerFacts => ({
      publicKey: section.publicKey,
      endpoint: section.endpoint,
      allowedIps: section.allowedIps,
      latestHandshake: age === null ? null : NOW - age,
      receivedBytes: 2048,
      sentBytes: 10,
      persistentKeepalive: section.persistentKeepalive,
    })),
  };
}

const reached = (facts: Facts): Answer => ({ reachable: true, through: "local", facts });

describe("drift", () => {
  const driftAt = (name: string, change: (facts: Facts) => Partial<Facts>) => {
    const facts = asPlanned(plan, name);
    return driftOf(nodeOf(plan, name), plan, OWNER, { ...facts, ...change(facts) });
  };

  it("is none on a host that is as planned, wherever its peers have roamed to", () => {
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
      "nobody's interface",
      () => ({ owner: null }),
      ["wg0 is there, but not ours: no mark of an owner"],
    ],
    ["another stack's", () => ({ owner: "x/y" }), ["wg0 belongs to x/y"]],
    ["a change under way", () => ({ pending: "t" }), ["a change there has not been confirmed"]],
    [
      "no forwarding",
      () => ({ forwarding: { ipv4: false, ipv6: false } }),
      ["it does not forward IPv4"],
    ],
    ["another port", () => ({ listenPort: 1 }), ["listen port is 1, planned is 51820"]],
    [
      "another address",
      () => ({ addresses: ["10.9.9.9/24"] }),
      ["address 10.86.0.1/24 is missing", "address 10.9.9.9/24 is there, but not planned"],
    ],
    ["a missing peer", (facts) => ({ peers: facts.peers.slice(1) }), ["peer nas is missing"]],
    [
      "a stranger",
      (facts) => ({
        peers: [
          ...facts.peers,
          ...facts.peers.slice(0, 1).map((peer) => ({ ...peer, publicKey: keyOf("x") })),
        ],
      }),
      [`peer ${keyOf("x")} is there, but not planned`],
    ],
    [
      "a LAN that was taken away",
      (facts) => ({
        peers: facts.peers.map((peer) => ({ ...peer, allowedIps: peer.allowedIps.slice(0, 1) })),
      }),
      ["allowed IP of peer nas: 192.168.10.0/24 is missing"],
    ],
    [
      "a keepalive",
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

describe("the state of a link", () => {
  const states = (answers: Record<string, Answer>) =>
    Object.fromEntries(
      linkStates(plan, new Map(Object.entries(answers))).map(({ a, b, state, handshakeAge }) => [
        `${a} ${b}`,
        [state, handshakeAge],
      ]),
    );

  it("is alive by the word of the end that dials, or of the other where that cannot be asked", () => {
    const nas = (age: number | null) => reached(asPlanned(plan, "nas", age));
    const tokyo = reached(asPlanned(plan, "tokyo", 30));
    assert.deepEqual(states({ nas: nas(20), tokyo })["nas tokyo"], ["alive", 20]);
    assert.deepEqual(states({ tokyo })["nas tokyo"], ["alive", 30]);
    // The relay goes on counting on a session that the dialling end has lost.
    assert.deepEqual(states({ nas: nas(null), tokyo })["nas tokyo"], ["dead", null]);
  });

  it("is dead between pushed nodes when keepalive should have renewed it, or when there never was a handshake", () => {
    assert.deepEqual(states({ nas: reached(asPlanned(plan, "nas", 181)) })["nas tokyo"], [
      "dead",
      181,
    ]);
    assert.deepEqual(states({ vps: reached(asPlanned(plan, "vps", null)) })["tokyo vps"], [
      "dead",
      null,
    ]);
  });

  it("is idle after a while where both can be dialled and nobody speaks", () => {
    assert.deepEqual(states({ vps: reached(asPlanned(plan, "vps", 181)) })["tokyo vps"], [
      "idle",
      181,
    ]);
  });

  it("is away where the other end is a phone, and unknown where nobody can be asked", () => {
    assert.deepEqual(states({ tokyo: reached(asPlanned(plan, "tokyo", 9999)) })["phone tokyo"], [
      "away",
      9999,
    ]);
    const silent: Answer = { reachable: false, cause: "off" };
    assert.deepEqual(states({ tokyo: silent })["phone tokyo"], ["unknown", null]);
  });
});

describe("status", () => {
  const report = (answers: Record<string, Answer>) =>
    statusReport(plan.nodes, plan, OWNER, new Map(Object.entries(answers)));
  const well = {
    nas: reached(asPlanned(plan, "nas")),
    tokyo: reached(asPlanned(plan, "tokyo")),
    vps: reached(asPlanned(plan, "vps")),
  };

  it("is well when every host is as planned", () => {
    const { ok, nodes: reports, links } = report(well);
    assert.equal(ok, true);
    assert.deepEqual(reports["phone"], {
      reachable: null,
      through: null,
      interface: null,
      peers: [],
      drift: [],
    });
    assert.deepEqual(reports["nas"]?.peers[0], {
      name: "tokyo",
      handshakeAge: 10,
      endpoint: "203.0.113.10:51820",
      rx: 2048,
      tx: 10,
    });
    assert.equal(links.length, plan.links.length);
  });

  it("is not well with a host that cannot be reached, one that differs, or a dead link", () => {
    const bad: Record<string, Answer>[] = [
      { ...well, nas: { reachable: false, cause: "timed out" } },
      { ...well, nas: reached({ ...asPlanned(plan, "nas"), interface: "missing" }) },
      { nas: reached(asPlanned(plan, "nas", 500)) },
    ];
    for (const answers of bad) assert.equal(report(answers).ok, false);
  });

  it("is a table of the nodes and their peers, with what is wrong below", () => {
    const text = statusText(
      report({
        ...well,
        vps: { reachable: false, cause: "cannot be reached: timed out" },
        tokyo: reached({ ...asPlanned(plan, "tokyo"), listenPort: 1 }),
      }),
    );
    assert.match(text, /^NODE +REACHED +PEER +LINK +HANDSHAKE +ENDPOINT +RECEIVED +SENT$/m);
    assert.match(
      text,
      /^nas +local +tokyo +alive +10 s ago +203\.0\.113\.10:51820 +2\.0 KiB +10 B$/m,
    );
    assert.match(text, /^phone +config handed over +-/m);
    assert.match(text, /vps.*: cannot be reached: timed out$/m);
    assert.match(text, /tokyo.* differs from the plan:\n {2}listen port is 1, planned is 51820\n/);
  });

  it("speaks of ages and bytes as people do", () => {
    assert.deepEqual([5, 119, 120, 7200, 200_000].map(formatAge), [
      "5 s",
      "119 s",
      "2 min",
      "2 h",
      "2 days",
    ]);
    assert.deepEqual([0, 1023, 1024, 1_572_864].map(formatBytes), [
      "0 B",
      "1023 B",
      "1.0 KiB",
      "1.5 MiB",
    ]);
  });
});

describe("waiting for the tunnels after an up", () => {
  it("asks again only the hosts of dead links, until they have shaken hands", async () => {
    const asked: string[][] = [];
    const links = await awaitLinks(
      plan.nodes,
      { plan, owner: OWNER, sshPrivateKey: null },
      (some) => {
        asked.push(some.map(({ name }) => name));
        const late = asked.length === 1 ? null : 1;
        return Promise.resolve(
          new Map(
            some.map(({ name }) => [
              name,
              reached(asPlanned(plan, name, name === "nas" ? late : 20)),
            ]),
          ),
        );
      },
    );
    assert.deepEqual(
      links.map(({ state }) => state),
      links.map(() => "alive"),
    );
    assert.equal(
      links.some(({ a, b }) => a === "phone" || b === "phone"),
      false,
    );
    assert.deepEqual(asked[0], ["nas", "tokyo", "vps"]);
  });
});
