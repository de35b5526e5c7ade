/** Reachability with a policy, in outputs and reviews. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Plan } from "../../../mesh/plan/plan";
import { reachOf } from "../../../mesh/plan/reach";
import { groupOf, reachabilityOf } from "../../../mesh/plan/reachability";
import { recordOf } from "../../../mesh/review/record";
import { reviewOf } from "../../../mesh/review/review";
import { pathLines } from "../../../scripts/cli/review-text";
import { keyPair } from "../../support/key-pairs";
import { planOf } from "../../support/plan-of";
import { limitedNetworks } from "../../support/policies";
import { changed, hostKey, keys } from "../../support/small-network";

const tokyo = { host: "root@203.0.113.10", hostKey };
const phone = { address: "10.86.0.9", publicKey: keys.spare.publicKey, tags: ["guest"] };
const desktop = { subnets: ["192.168.10.0/24"], tags: ["server"] };

describe("reachability with a policy", () => {
  it("by groups equals reachability by pairs of nodes", () => {
    fc.assert(
      fc.property(limitedNetworks, (raw) => {
        const plan = planOf(raw);
        const names = new Set(plan.nodes.map(({ name }) => name));
        const pairs = reachOf(plan)
          .filter(({ to }) => names.has(to))
          .map(({ from, to, path, ports }) => {
            const limit = ports === undefined ? "" : `: ${ports.join(" ") || "ping"}`;
            return `${from} -> ${to} ${path.slice(1, -1).join(", ")}${limit}`;
          });
        assert.deepEqual(nodePairs(plan).sort(), pairs.sort());
      }),
      { numRuns: 100 },
    );
  });

  it("names groups and LANs by the selectors of the policy", () => {
    const policy = [
      { from: ["tag:guest"], to: ["desktop", "192.168.10.0/24"], ports: ["tcp/443"] },
    ];
    assert.deepEqual(reachabilityOf(limited(policy)), {
      groups: {
        desktop: "peers of tokyo (desktop)",
        laptop: "peers of tokyo",
        phone: "peers of tokyo (tag:guest)",
      },
      paths: {
        "192.168.10.0/24 -> tokyo": "direct: ping",
        "peers of tokyo (desktop) -> tokyo": "direct: ping",
        "peers of tokyo (tag:guest) -> 192.168.10.0/24": "through tokyo: tcp/443",
        "peers of tokyo (tag:guest) -> peers of tokyo (desktop)": "through tokyo: tcp/443",
        "peers of tokyo (tag:guest) -> tokyo": "direct: ping",
        "peers of tokyo -> tokyo": "direct: ping",
      },
      lans: { "192.168.10.0/24": "desktop" },
      policy: ["tag:guest -> desktop, 192.168.10.0/24: tcp/443"],
    });
  });

  it("separates hosts that are reached only through the tunnel from other hosts", () => {
    const peer = (at: number, host: unknown) => ({
      address: `10.86.0.${at}`,
      publicKey: keyPair(at).publicKey,
      host,
      hostKey,
    });
    const relays = {
      tokyo,
      berlin: {
        address: "10.86.0.65",
        publicKey: keyPair(8).publicKey,
        host: "root@198.51.100.2",
        hostKey,
      },
    };
    const peers = {
      desktop: peer(20, "root@via:tokyo"),
      laptop: peer(21, ["root@198.51.100.6", "root@via:tokyo"]),
    };
    const { groups, paths } = reachabilityOf(planOf(changed({ relays, peers, policy: [] })));
    assert.deepEqual(groups, {
      desktop: "peers of tokyo (via:tokyo)",
      laptop: "peers of tokyo (direct, via:tokyo)",
    });
    assert.equal(paths["berlin -> peers of tokyo (via:tokyo)"], "through tokyo: ping");
    assert.equal(paths["berlin -> peers of tokyo (direct, via:tokyo)"], undefined);
  });

  it("grows with the nodes, not with their pairs", () => {
    const policy = [
      { from: ["tag:guest"], to: ["tag:server"], ports: ["tcp/443"] },
      { from: ["laptop"], to: ["*"] },
    ];
    const size = (count: number) => {
      const peers = Array.from({ length: count }, (_, at) => [
        `p${at}`,
        {
          address: `10.86.0.${at + 20}`,
          publicKey: keyPair(at + 10).publicKey,
          tags: [at % 2 === 0 ? "guest" : "server"],
        },
      ]);
      return Object.keys(
        reachabilityOf(
          planOf(changed({ relays: { tokyo }, peers: Object.fromEntries(peers), policy })),
        ).paths,
      ).length;
    };
    assert.equal(size(80), size(4));
  });

  it("shows a changed policy as gained, lost and limited paths", () => {
    const all = limited(undefined);
    const some = limited([
      { from: ["laptop"], to: ["*"] },
      { from: ["tag:guest"], to: ["desktop"], ports: ["tcp/443"] },
    ]);
    const less = limited([{ from: ["laptop"], to: ["*"] }]);
    const lines = (before: Plan, after: Plan) =>
      pathLines(reviewOf(recordOf(before), recordOf(after)).paths);
    assert.deepEqual(lines(some, less), ["- phone -> desktop"]);
    assert.deepEqual(lines(less, some), ["+ phone -> desktop: through tokyo: tcp/443"]);
    assert.deepEqual(lines(all, some), [
      "- desktop -> laptop",
      "- desktop -> phone",
      "- tokyo -> desktop",
      "- phone -> laptop",
      "- tokyo -> laptop",
      "- tokyo -> phone",
      "- phone -> 192.168.10.0/24",
      "- tokyo -> 192.168.10.0/24",
      "~ phone -> desktop: through tokyo: tcp/443, was through tokyo",
      "~ desktop -> tokyo: direct: ping, was direct",
      "~ phone -> tokyo: direct: ping, was direct",
    ]);
    assert.deepEqual(lines(some, some), []);
  });

  it("says which hosts filter", () => {
    const [without, some, other] = [undefined, [], [{ from: ["laptop"], to: ["*"] }]].map(limited);
    assert.ok(without !== undefined && some !== undefined && other !== undefined);
    const lines = (before: Plan, after: Plan) =>
      reviewOf(recordOf(before), recordOf(after)).nodes.find(({ node }) => node === "tokyo")?.lines;
    assert.deepEqual(lines(without, some), ["+ filters what the policy does not allow"]);
    assert.deepEqual(lines(some, other), ["~ filters by other rules or addresses"]);
    assert.deepEqual(lines(other, without), ["- no longer filters"]);
  });
});

function limited(policy: unknown): Plan {
  return planOf(
    changed({
      relays: { tokyo },
      peers: { phone, desktop },
      ...(policy === undefined ? {} : { policy }),
    }),
  );
}

/** The groups' paths between nodes, as `FROM -> TO RELAYS: PORTS`. */
function nodePairs(plan: Plan): string[] {
  const reachability = reachabilityOf(plan);
  const members = Map.groupBy(
    plan.nodes.map(({ name }) => name),
    (name) => groupOf(name, reachability),
  );
  return Object.entries(reachability.paths).flatMap(([key, path]) => {
    const [from = "", to = ""] = key.split(" -> ");
    const between = path.replace(/^direct/, "").replace(/^through /, "");
    return (members.get(from) ?? []).flatMap((one) =>
      (members.get(to) ?? [])
        .filter((other) => other !== one)
        .map((other) => `${one} -> ${other} ${between}`),
    );
  });
}
