/** Reachability according to the plan matches what the rendered configs do with packets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Plan } from "../../../mesh/plan/plan";
import { reachabilityOf, reachOf, type Reachability } from "../../../mesh/plan/reach";
import { addressOfBits, bitsOf } from "../../support/address-bits";
import { routerOf } from "../../support/cryptokey-router";
import { networks } from "../../support/networks";
import { planOf } from "../../support/plan-of";
import { machinesOf } from "../../support/machines-of";

describe("reachability", () => {
  it("has exactly the paths of the cryptokey router over the rendered configs", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const router = routerOf(machinesOf(raw, plan));
        const claimed = claims(plan);
        for (const { from, to, address } of pairsOf(plan)) {
          const pair = `${from} -> ${to}`;
          assert.deepEqual(claimed.get(pair) ?? null, router.path(from, address), pair);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("holds for IPv6 if every node on the path has an IPv6 address", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const router = routerOf(machinesOf(raw, plan));
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

  it("by groups equals reachability by pairs", () => {
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

/** The first address after the network address. */
function someHostIn(prefix: string): string {
  return addressOfBits(`${bitsOf(prefix.slice(0, prefix.indexOf("/"))).slice(0, -1)}1`);
}

/** Expands groups to pairs, as `FROM -> TO: RELAYS ON THE PATH`. */
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
          const sameSite = sites.has(one) && sites.get(one) === sites.get(other);
          return [
            other,
            ...(sameSite && !from.startsWith("relay ") ? [] : lansOf(other, lans, by4)),
          ];
        })
        .map((target) => `${one} -> ${target}: ${between}`),
    );
  });
}

/** Site by node; peers do not use the tunnel to LANs of their own site. */
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
