/** A key rotation, push by push: which configs change, and that no pair loses its connection. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { formatEndpoint } from "../../../mesh/config/config";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { alternateName, publicKeysOf } from "../../../mesh/plan/rotation";
import { renderRedacted, renderRedactedAlternate } from "../../../mesh/render/render";
import { routerOf, type RoutedMachine } from "../../support/cryptokey-router";
import { keyPair } from "../../support/key-pairs";
import { networks, type RawNetwork, type RawNode } from "../../support/networks";
import { nodeIn, planOf } from "../../support/plan-of";
import { machinesOf } from "../../support/machines-of";

/** A network, and the name of the node that gets a new key. */
const rotations = fc
  .tuple(networks, fc.nat(100))
  .map(([raw, dice]) => {
    const names = planOf(raw)
      .nodes.filter((node) => node.kind === "peer" || node.hosts.length > 0)
      .map((node) => node.name);
    return { raw, name: names[dice % Math.max(names.length, 1)] ?? "" };
  })
  .filter(({ name }) => name !== "");

describe("a key rotation", () => {
  it("changes only the configs of the node and its neighbours", () => {
    fc.assert(
      fc.property(rotations, ({ raw, name }) => {
        const [before, during, after] = [raw, started(raw, name), finished(raw, name)].map(planOf);
        assert.ok(before && during && after);
        const near = [name, ...linkedWith(before, name)].sort();
        assert.deepEqual(outside(changed(before, during), near), []);
        assert.deepEqual(outside(changed(during, after), near), []);
      }),
      { numRuns: 60 },
    );
  });

  it("breaks no path between pushed nodes, at any stage of the pushes", () => {
    fc.assert(
      fc.property(rotations, ({ raw, name }) => {
        const stages = stagesOf(raw, name);
        const pairs = pushedPairs(raw, name);
        for (const [stage, machines] of stages) {
          const router = routerOf(machines);
          for (const { from, to, address } of pairs) {
            assert.ok(
              router.path(from, address) !== null,
              `${stage}, ${name} rotates: ${from} cannot reach ${to}`,
            );
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("has both keys in the configs of pushed neighbours, and the old key in none when it is finished", () => {
    fc.assert(
      fc.property(rotations, ({ raw, name }) => {
        const oldKey = nodeIn(planOf(raw), name).publicKey;
        const during = planOf(started(raw, name));
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
          texts.filter((text) => text.includes(oldKey)),
          [],
        );
      }),
      { numRuns: 40 },
    );
  });
});

describe("the name of a relay's second interface", () => {
  it("is valid, and different from that of the first", () => {
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

function started(raw: RawNetwork, name: string): RawNetwork {
  return edited(raw, name, { nextPublicKey: NEXT });
}

/** The config after `rotate --finish`: a relay's next key brings its port along. */
function finished(raw: RawNetwork, name: string): RawNetwork {
  const node = nodeIn(planOf(started(raw, name)), name);
  const { kind, rotationPort: port } = node;
  if (kind === "peer" || port === null) return edited(raw, name, { publicKey: NEXT });
  const at = (field: "endpoint" | "siteEndpoint") =>
    node[field] === null ? {} : { [field]: formatEndpoint({ ...node[field], port }) };
  const endpoints = { ...at("endpoint"), ...at("siteEndpoint") };
  return edited(raw, name, { publicKey: NEXT, listenPort: port, ...endpoints });
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

/** The machines after each push, in the order of the pushes. Nodes without a host keep their old file. */
function stagesOf(raw: RawNetwork, name: string): [string, RoutedMachine[]][] {
  const worlds = [raw, started(raw, name), finished(raw, name)].map((each) => {
    const plan = planOf(each);
    return machinesOf(each, plan);
  });
  const order = pushOrder(planOf(raw), name);
  let machines = worlds[0] ?? [];
  const stages: [string, RoutedMachine[]][] = [["before", machines]];
  for (const [at, world] of worlds.slice(1).entries()) {
    for (const pushed of order) {
      const updated = world.find((machine) => machine.name === pushed);
      machines = machines.map((machine) =>
        machine.name === pushed && updated !== undefined ? updated : machine,
      );
      stages.push([`${at === 0 ? "started" : "finished"}, ${pushed} pushed`, machines]);
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

/** Pairs with a path of pushed nodes only, because it is not known when a file is delivered. */
function pushedPairs(raw: RawNetwork, name: string) {
  const plan = planOf(raw);
  const router = routerOf(machinesOf(raw, plan));
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
  const [old, updated] = [textsOf(before), textsOf(after)];
  return [...old.keys()].filter((name) => old.get(name) !== updated.get(name)).sort();
}

function outside(names: string[], near: string[]): string[] {
  return names.filter((name) => !near.includes(name));
}
