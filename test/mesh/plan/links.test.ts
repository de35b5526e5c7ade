/** Rules about links that cases.test.ts and reach.test.ts do not cover. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { networks } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, keys } from "../../support/small-network";

describe("links", () => {
  it("of a star are between a peer and its home relay, or between two relays", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        fc.pre(Object.keys(raw.relays).length > 0);
        const plan = planOf({ ...raw, network: { ...raw.network, topology: "star" } });
        for (const { a, b } of plan.links) {
          const [one, other] = [nodeIn(plan, a), nodeIn(plan, b)];
          const relays = one.kind === "relay" && other.kind === "relay";
          assert.ok(relays || one.relay === b || other.relay === a, `${a} - ${b}`);
        }
      }),
    );
  });

  it("connect a peer without `relay` to the relay with the lowest address", () => {
    const address = (last: number) => ({ address: `10.86.0.${last}` });
    const other = { publicKey: keys.spare.publicKey, endpoint: "203.0.113.11:51820" };
    const later = planOf(changed({ relays: { berlin: { ...address(100), ...other } } }));
    assert.equal(nodeIn(later, "desktop").relay, "tokyo");
    const lower = planOf(
      changed({ relays: { tokyo: address(100), zurich: { ...address(9), ...other } } }),
    );
    assert.equal(nodeIn(lower, "desktop").relay, "zurich");
  });

  it("do not include disabled and expired nodes", () => {
    const plan = planOf(
      changed({ peers: { desktop: { enabled: false }, laptop: { expires: "2026-11-22" } } }),
    );
    assert.deepEqual(plan.links, []);
    assert.deepEqual(
      plan.nodes.map((node) => node.name),
      ["tokyo"],
    );
  });
});
