/** What the plan claims about reachability is what the rendered texts would do to packets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Plan } from "../../../mesh/plan/plan";
import { reachabilityOf, reachOf, type Reachability } from "../../../mesh/plan/reach";
import { addressOfBits, bitsOf } from "../../support/address-bits";
import { routerOf } from "../../support/cryptokey-router";
import { networks } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import { worldOf } from "../../support/world-of";

describe("reachability, judged by a naive cryptokey router over the texts", () => {
  it("is claimed for just those nodes and LANs that a packet and its answer would reach, by that path", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const router = routerOf(worldOf(raw, plan));
        const claimed = claims(plan);
        for (const { from, to, address } of pairsOf(plan)) {
          const pair = `${from} -> ${to}`;
          assert.deepEqual(claimed.get(pair) ?? null, router.path(from, address), pair);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("holds for IPv6 addresses too, wherever every node on the path has one", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const router = routerOf(worldOf(raw, plan));
        const claimed = claims(plan);
        const without6 = new Set(plan.nodes.filter((n) => n.address6 === null).map((n) => n.name));
        for (const { from, to, address6 } of pairs6Of(plan)) {
          const path = claimed.get(`${from} -> ${to}`) ?? null;
          const expected = path?.some((name) => without6.has(name)) === true ? null : path;
          assert.deepEqual(router.path(from, address6), expected, `${from} -> ${to} by IPv6`);
        }
      }),
      { numRuns: 80 },
    );
  });

  it("by groups says the same as pair by pair", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const pairs = reachOf(plan).map(({ from, to, path }) => {
          return `${from} -> ${to}: ${path.slice(1, -1).join(", ")}`;
        });
        assert.deepEqual(expanded(reachabilityOf(plan), sitesOf(plan)).sort(), pairs.sort());
      }),
      { numRuns: 150 },
    );
  });
});

function claims(plan: Plan): Map<string, string[]> {
  return new Map(reachOf(plan).map(({ from, to, path }) => [`${from} -> ${to}`, path]));
}

function pairsOf(plan: Plan): { from: string; to: string; address: string }[] {
  return couples(plan).flatMap(({ from, to }) => [
    { from: from.name, to: to.name, address: to.address.text },
    ...to.subnets.map(({ text }) => ({ from: from.name, to: text, address: someHostIn(text) })),
  ]);
}

function pairs6Of(plan: Plan): { from: string; to: string; address6: string }[] {
  return couples(plan).flatMap(({ from, to }) =>
    to.address6 === null ? [] : [{ from: from.name, to: to.name, address6: to.address6.text }],
  );
}

function couples(plan: Plan) {
  return plan.nodes.flatMap((from) =>
    plan.nodes.filter((to) => to !== from).map((to) => ({ from, to })),
  );
}

/** The first address after the network's own. */
function someHostIn(prefix: string): string {
  return addressOfBits(`${bitsOf(prefix.slice(0, prefix.indexOf("/"))).slice(0, -1)}1`);
}

/** Every pair that the groups speak of, as `FROM -> TO: RELAYS ON THE WAY`. */
function expanded(
  { groups, paths, lans }: Reachability,
  sites: ReadonlyMap<string, string>,
): string[] {
  return Object.entries(paths).flatMap(([key, path]) => {
    const [from = "", to = ""] = key.split(" -> ");
    const between = path === "direct" ? "" : path.replace("through ", "");
    const by4 = key.includes("without IPv6") || relaysWithout6(groups, between);
    return (groups[from] ?? []).flatMap((one) =>
      (groups[to] ?? [])
        .filter((other) => other !== one)
        .flatMap((other) => {
          const atHome = sites.has(one) && sites.get(one) === sites.get(other);
          return [other, ...(atHome && !from.startsWith("relay ") ? [] : lansOf(other, lans, by4))];
        })
        .map((target) => `${one} -> ${target}: ${between}`),
    );
  });
}

/** A peer is at home in the LANs of its site, and no tunnel leads there. */
function sitesOf(plan: Plan): Map<string, string> {
  return new Map(plan.nodes.flatMap(({ name, site }) => (site === null ? [] : [[name, site]])));
}

function relaysWithout6(groups: Reachability["groups"], between: string): boolean {
  return between.split(", ").some((relay) => `relay ${relay} without IPv6` in groups);
}

function lansOf(gateway: string, lans: Reachability["lans"], only4: boolean): string[] {
  const own = Object.keys(lans).filter((lan) => lans[lan] === gateway);
  return only4 ? own.filter((lan) => !lan.includes(":")) : own;
}
