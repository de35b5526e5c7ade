/** A change of keys, stage by stage: who notices it, and that whoever could talk can talk all the time. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { alternateName, publicKeysOf } from "../../../mesh/plan/rotation";
import { renderRedacted, renderRedactedAlternate } from "../../../mesh/render/render";
import { routerOf, type Machine } from "../../support/cryptokey-router";
import { keyPair } from "../../support/key-pairs";
import { networks, type RawNetwork, type RawNode } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { worldOf } from "../../support/world-of";

/** A network, and the node of it that gets a new key. */
const rotations = fc
  .tuple(networks, fc.nat(100))
  .map(([raw, dice]) => {
    const names = planOf(raw)
      .nodes.filter((node) => node.kind === "peer" || node.hosts.length > 0)
      .map((node) => node.name);
    return { raw, name: names[dice % Math.max(names.length, 1)] ?? "" };
  })
  .filter(({ name }) => name !== "");

describe("a change of keys", () => {
  it("begins and ends at the node and those linked with it, and nobody else notices", () => {
    fc.assert(
      fc.property(rotations, ({ raw, name }) => {
        const [before, during, after] = [raw, begun(raw, name), finished(raw, name)].map(planOf);
        assert.ok(before && during && after);
        const near = [name, ...linkedWith(before, name)].sort();
        assert.deepEqual(outside(changed(before, during), near), []);
        assert.deepEqual(outside(changed(during, after), near), []);
      }),
      { numRuns: 60 },
    );
  });

  it("takes nobody's way from anybody, at no stage of the pushes, and ends where it began", () => {
    fc.assert(
      fc.property(rotations, ({ raw, name }) => {
        const stages = stagesOf(raw, name);
        const pairs = talkingPairs(raw, name);
        for (const [stage, machines] of stages) {
          const router = routerOf(machines);
          for (const { from, to, address } of pairs) {
            assert.ok(
              router.path(from, address) !== null,
              `${stage}, ${name} rotates: ${from} lost ${to}`,
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("leaves the former key in no file when it is finished, and each key in as many as it must", () => {
    fc.assert(
      fc.property(rotations, ({ raw, name }) => {
        const former = nodeIn(planOf(raw), name).publicKey;
        const during = planOf(begun(raw, name));
        const pushed = linkedWith(during, name).filter(
          (one) => nodeIn(during, one).hosts.length > 0,
        );
        if (nodeIn(during, name).kind === "peer") {
          for (const one of pushed) {
            const known = nodeIn(during, one).sections.filter((section) => section.name === name);
            assert.deepEqual(
              known.map(({ publicKey }) => publicKey),
              publicKeysOf(nodeIn(during, name)),
            );
          }
        }
        const texts = [...textsOf(planOf(finished(raw, name))).values()];
        assert.deepEqual(
          texts.filter((text) => text.includes(former)),
          [],
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe("the name of a relay's second interface", () => {
  it("is one, and never that of the first", () => {
    const names = fc.stringMatching(/^[A-Za-z0-9_=+.-]{1,15}$/);
    fc.assert(
      fc.property(names, (name) => {
        assert.match(alternateName(name), /^[A-Za-z0-9_=+.-]{1,15}$/);
        assert.notEqual(alternateName(name), name);
      }),
    );
    assert.equal(alternateName("wg0"), "wg0-next");
    assert.equal(alternateName("wwwwwwwwww-next"), "wwwwwwwwww-rotn");
  });
});

const NEXT = keyPair(90).publicKey;

function begun(raw: RawNetwork, name: string): RawNetwork {
  return edited(raw, name, { nextPublicKey: NEXT });
}

/** As `rotate --finish` leaves it: a relay's second port stays for those who use it. */
function finished(raw: RawNetwork, name: string): RawNetwork {
  const port = nodeIn(planOf(begun(raw, name)), name).rotationPort;
  return edited(raw, name, {
    publicKey: NEXT,
    ...(port === null ? {} : { rotationPort: port }),
  });
}

function edited(raw: RawNetwork, name: string, fields: RawNode): RawNetwork {
  const change = (nodes: Record<string, RawNode>) =>
    Object.fromEntries(
      Object.entries(nodes).map(([each, node]) => [
        each,
        each === name ? { ...node, ...fields } : node,
      ]),
    );
  return { ...raw, relays: change(raw.relays), peers: change(raw.peers) };
}

/** Relays are pushed first, then the peers, of which one that changes its key is the last; who is not pushed to keeps its file. */
function stagesOf(raw: RawNetwork, name: string): [string, Machine[]][] {
  const worlds = [raw, begun(raw, name), finished(raw, name)].map((each) => {
    const plan = planOf(each);
    return worldOf(each, plan);
  });
  const order = pushOrder(planOf(raw), name);
  let machines = worlds[0] ?? [];
  const stages: [string, Machine[]][] = [["before", machines]];
  for (const [at, world] of worlds.slice(1).entries()) {
    for (const pushed of order) {
      const young = world.find((machine) => machine.name === pushed);
      machines = machines.map((machine) =>
        machine.name === pushed && young !== undefined ? young : machine,
      );
      stages.push([`${at === 0 ? "begun" : "finished"}, ${pushed} pushed`, machines]);
    }
  }
  return stages;
}

function pushOrder({ nodes }: Plan, name: string): string[] {
  const rank = (node: NodePlan) => {
    if (node.kind === "relay") return node.name === name ? 0 : 1;
    return node.name === name ? 3 : 2;
  };
  const pushed = nodes.filter((node) => node.hosts.length > 0);
  return [...pushed].sort((a, b) => rank(a) - rank(b)).map((node) => node.name);
}

/** Pairs of pushed nodes that talk through pushed nodes alone: of files that are handed over, nobody knows when. */
function talkingPairs(raw: RawNetwork, name: string) {
  const plan = planOf(raw);
  const router = routerOf(worldOf(raw, plan));
  const pushed = new Set(
    plan.nodes.filter(({ hosts }) => hosts.length > 0).map((node) => node.name),
  );
  return plan.nodes.flatMap((from) =>
    plan.nodes.flatMap((to) => {
      const path = from === to ? null : router.path(from.name, to.address.text);
      if (path === null || !path.every((each) => pushed.has(each))) return [];
      return [{ from: from.name, to: to.name, address: to.address.text, name }];
    }),
  );
}

function linkedWith(plan: Plan, name: string): string[] {
  return plan.links.flatMap(({ a, b }) => (a === name ? [b] : b === name ? [a] : []));
}

function textsOf(plan: Plan): Map<string, string> {
  return new Map(
    plan.nodes.map((node) => [
      node.name,
      [
        renderRedacted(node, plan.network),
        renderRedactedAlternate(node, plan.network) ?? "",
        JSON.stringify(node.rotation),
      ].join("\n"),
    ]),
  );
}

function changed(before: Plan, after: Plan): string[] {
  const [old, young] = [textsOf(before), textsOf(after)];
  return [...old.keys()].filter((name) => old.get(name) !== young.get(name)).sort();
}

function outside(names: string[], near: string[]): string[] {
  return names.filter((name) => !near.includes(name));
}
