/** Reachability according to the plan matches what the rendered configs do with packets. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Plan } from "../../../mesh/plan/plan";
import { reachOf } from "../../../mesh/plan/reach";
import { groupOf, reachabilityOf, type Reachability } from "../../../mesh/plan/reachability";
import { addressOfBits, bitsOf } from "../../support/address-bits";
import { routerOf, type RoutedMachine } from "../../support/cryptokey-router";
import { networks } from "../../support/networks";
import { limitedNetworks } from "../../support/policies";
import { changed, keys } from "../../support/small-network";
import { nodeIn, planOf } from "../../support/plan-of";
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

  for (const [kind, some] of Object.entries({
    "any network": networks,
    "a policy": limitedNetworks,
  }))
    it(`has exactly the exits of the router, also for a peer that widens its own allowed IPs, in ${kind}`, () => {
      let leaving = 0;
      const outside = { 4: "198.18.0.9", 6: "2001:db8:ffff::9" };
      fc.assert(
        fc.property(some, (raw) => {
          const plan = planOf(raw);
          const machines = machinesOf(raw, plan);
          const routers = [routerOf(machines), routerOf(machines.map((one) => widened(one, plan)))];
          const { exits = {} } = reachabilityOf(plan);
          for (const { name, address6 } of plan.nodes) {
            const relay = exits[name] ?? null;
            const has6 = address6 !== null && nodeIn(plan, relay ?? name).address6 !== null;
            for (const router of routers) {
              assert.equal(router.exit(name, outside[4]), relay, name);
              assert.equal(router.exit(name, outside[6]), has6 ? relay : null, `${name} by IPv6`);
            }
            leaving += relay === null ? 0 : 1;
          }
        }),
        { numRuns: 100 },
      );
      assert.ok(leaving > 0);
    });

  it("by groups changes only for the new peer when one is added", () => {
    const before = reachabilityOf(planOf(changed()));
    const phone = { address: "10.86.0.4", publicKey: keys.spare.publicKey };
    const after = reachabilityOf(planOf(changed({ peers: { aphone: phone } })));
    assert.deepEqual(before, {
      groups: { desktop: "peers of tokyo", laptop: "peers of tokyo" },
      paths: {
        "peers of tokyo -> peers of tokyo": "through tokyo",
        "peers of tokyo -> tokyo": "direct",
        "tokyo -> peers of tokyo": "direct",
      },
      lans: {},
    });
    const groups = { ...before.groups, aphone: "peers of tokyo" };
    assert.deepEqual(after, { ...before, groups });
  });

  it("by groups equals reachability by pairs", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        const plan = planOf(raw);
        const pairs = reachOf(plan).map(({ from, to, path }) => {
          return `${from} -> ${to}: ${path.slice(1, -1).join(", ")}`;
        });
        assert.deepEqual(expanded(reachabilityOf(plan), plan).sort(), pairs.sort());
      }),
      { numRuns: 150 },
    );
  });
});

/** A machine whose owner sends everything to its home relay. */
function widened(machine: RoutedMachine, plan: Plan): RoutedMachine {
  const section = new RegExp(
    `(# ${nodeIn(plan, machine.name).relay ?? ""}\\n[^#]*AllowedIPs = ).*`,
  );
  return { ...machine, text: machine.text.replace(section, "$10.0.0.0/0, ::/0") };
}

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
function expanded(reachability: Reachability, plan: Plan): string[] {
  const sites = sitesOf(plan);
  const relays = new Set(plan.nodes.flatMap(({ name, kind }) => (kind === "relay" ? [name] : [])));
  const members = Map.groupBy(
    plan.nodes.map(({ name }) => name),
    (name) => groupOf(name, reachability),
  );
  return Object.entries(reachability.paths).flatMap(([key, path]) => {
    const [from = "", to = ""] = key.split(" -> ");
    const between = path === "direct" ? "" : path.replace("through ", "");
    const by4 = key.includes("without IPv6") || relaysWithout6(reachability, between);
    return (members.get(from) ?? []).flatMap((one) =>
      (members.get(to) ?? [])
        .filter((other) => other !== one)
        .flatMap((other) => {
          const sameSite = sites.has(one) && sites.get(one) === sites.get(other);
          const lans = sameSite && !relays.has(one) ? [] : lansOf(other, reachability.lans, by4);
          return [other, ...lans];
        })
        .map((target) => `${one} -> ${target}: ${between}`),
    );
  });
}

/** Site by node; peers do not use the tunnel to LANs of their own site. */
function sitesOf(plan: Plan): Map<string, string> {
  return new Map(plan.nodes.flatMap(({ name, site }) => (site === null ? [] : [[name, site]])));
}

function relaysWithout6({ groups }: Reachability, between: string): boolean {
  return between.split(", ").some((relay) => groups[relay] === `${relay} without IPv6`);
}

function lansOf(gateway: string, lans: Reachability["lans"], only4: boolean): string[] {
  const own = Object.keys(lans).filter((lan) => lans[lan] === gateway);
  return only4 ? own.filter((lan) => !lan.includes(":")) : own;
}
