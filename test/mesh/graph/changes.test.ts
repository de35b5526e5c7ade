import assert from "node:assert/strict";
import fc from "fast-check";
import { changedNetwork } from "../../../mesh/graph/changes";
import type { Mark, Topology } from "../../../mesh/graph/topology";
import { NOTHING, recordOf } from "../../../mesh/review/record";
import { HOST_KEY } from "../../scripts/support/network";
import { networks } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import { changed, hostKey, keys } from "../../support/small-network";

describe("a picture of a change", () => {
  it("has no mark if nothing changes, for any network", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const { topology, notes } = changedNetwork(plan, recordOf(plan));
        assert.deepEqual(marksOf(topology), {});
        assert.deepEqual(notes, [{ title: "", lines: ["Nothing changes."] }]);
      }),
    );
  });

  it("before the first up marks everything as added", () => {
    const { topology } = changedNetwork(planOf(changed()), NOTHING);
    assert.deepEqual(marksOf(topology), {
      tokyo: "added",
      desktop: "added",
      laptop: "added",
      "desktop - tokyo": "added",
      "laptop - tokyo": "added",
    });
  });

  it("of a key has no mark, and lists the nodes that change", () => {
    const tokyo = { host: "root@203.0.113.10", hostKey };
    const rotated = { ...tokyo, nextPublicKey: keys.spare.publicKey };
    const before = planOf(changed({ relays: { tokyo } }));
    const after = planOf(changed({ relays: { tokyo: rotated } }));
    for (const [plan, former] of [
      [after, before],
      [before, after],
    ] as const) {
      const { topology, notes } = changedNetwork(plan, recordOf(former));
      assert.deepEqual(marksOf(topology), {});
      assert.match(notes[0]?.lines[0] ?? "", /^Others that change: .*desktop, laptop$/);
    }
  });

  it("marks added and removed nodes, links, LANs, exits and rules, and lists other changed nodes", () => {
    const host = { host: "root@192.0.2.1", hostKey };
    const relay = { host: "root@192.0.2.2", hostKey: HOST_KEY, exit: true };
    const lan = { ...host, subnets: ["192.168.1.0/24"] };
    const before = changed({
      relays: { tokyo: relay },
      peers: { desktop: lan, phone: { address: "10.86.0.4", publicKey: keys.spare.publicKey } },
      policy: [{ from: ["laptop"], to: ["*"] }],
    });
    const after = changed({
      relays: { tokyo: relay },
      peers: {
        desktop: { ...host, endpoint: "203.0.113.21:51820" },
        laptop: { host: "local", subnets: ["192.168.1.0/24"] },
        tablet: { address: "10.86.0.4", publicKey: keys.spare.publicKey, routeAll: true },
      },
      policy: [
        { from: ["laptop"], to: ["desktop"] },
        { from: ["tablet"], to: ["*"] },
      ],
    });
    const { topology, notes } = changedNetwork(planOf(after), recordOf(planOf(before)));
    assert.deepEqual(marksOf(topology), {
      phone: "removed",
      tablet: "added",
      "desktop - laptop": "added",
      "phone - tokyo": "removed",
      "tablet - tokyo": "added",
      "desktop 192.168.1.0/24": "removed",
      "laptop 192.168.1.0/24": "added",
      "tablet > tokyo": "added",
      "laptop -> *": "removed",
      "laptop -> desktop": "added",
      "tablet -> *": "added",
    });
    assert.deepEqual(notes, [{ title: "", lines: ["Others that change: tokyo, desktop, laptop"] }]);
    assert.deepEqual(
      topology.nodes.find(({ name }) => name === "phone"),
      {
        ...{ name: "phone", kind: "device", addresses: ["10.86.0.4"], endpoint: null, site: null },
        ...{ exit: false, seenFrom: null, mark: { tone: "removed", words: "removed" } },
      },
    );
  });
});

/** The tones of the marked parts. */
function marksOf({ nodes, links, lans, exits, rules }: Topology): Record<string, Mark["tone"]> {
  const all: [string, Mark | null][] = [
    ...nodes.map(({ name, mark }): [string, Mark | null] => [name, mark]),
    ...links.map(({ a, b, mark }): [string, Mark | null] => [`${a} - ${b}`, mark]),
    ...lans.map(({ gateway, lan, mark }): [string, Mark | null] => [`${gateway} ${lan}`, mark]),
    ...exits.map(({ peer, relay, mark }): [string, Mark | null] => [`${peer} > ${relay}`, mark]),
    ...(rules ?? []).map(({ text, mark }): [string, Mark | null] => [text, mark]),
  ];
  return Object.fromEntries(
    all.flatMap(([what, mark]) => (mark === null ? [] : [[what, mark.tone]])),
  );
}
