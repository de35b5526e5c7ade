/** How the nftables table grows: peers are elements of its sets, never rules of their own. */
import assert from "node:assert/strict";
import { renderFilter } from "../../../mesh/render/filter";
import { keyPair } from "../../support/key-pairs";
import { nodeIn, planOf } from "../../support/plan-of";
import { changed, hostKey } from "../../support/small-network";

/** A relay, and peers of which each has one of three tags. */
function tableOf(peers: number): string {
  const nodes = Array.from({ length: peers }, (_, at): [string, unknown] => {
    const address = `10.86.${(at >> 8) + 1}.${at & 255}`;
    return [`p${at}`, { address, publicKey: keyPair(at + 4).publicKey, tags: [`t${at % 3}`] }];
  });
  const plan = planOf(
    changed({
      network: { cidr: "10.86.0.0/16" },
      relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
      peers: Object.fromEntries(nodes),
      policy: [
        { from: ["tag:t0"], to: ["tag:t1"], ports: ["tcp/443"] },
        { from: ["tag:t1"], to: ["tag:t2"] },
        { from: ["tag:t2"], to: ["tag:t0", "tag:t1"] },
      ],
    }),
  );
  return renderFilter(nodeIn(plan, "tokyo"), plan.network) ?? "";
}

/** Without the elements of sets. */
function chains(table: string): string {
  return table.replace(/elements = \{[^}]*\}/g, "elements");
}

describe("the nftables table of a policy by tags", () => {
  it("has the same sets and rules for 9 peers and for 300", () => {
    const [small, large] = [tableOf(9), tableOf(300)];
    assert.ok(large.length > 4 * small.length, `${large.length}`);
    assert.equal(chains(large), chains(small));
  });

  it("has a hash table for single addresses, and a tree only for prefixes", () => {
    const sets = tableOf(9).match(/set \S+ \{[^}]*\}/g) ?? [];
    assert.equal(sets.length, 8);
    for (const set of sets) assert.equal(/flags interval/.test(set), set.includes("/"), set);
  });
});
