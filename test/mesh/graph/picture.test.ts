import assert from "node:assert/strict";
import fc from "fast-check";
import { pictureOf, type Picture } from "../../../mesh/graph/picture";
import { topologyOf, type Mark, type Topology } from "../../../mesh/graph/topology";
import type { Plan } from "../../../mesh/plan/plan";
import { keyOf, planWithKeys } from "../../scripts/support/network";
import { networks } from "../../support/networks";
import { planOf } from "../../support/plan-of";

const titles = ({ boxes }: Picture) => boxes.map(({ text }) => text[0]);
const dead: Mark = { tone: "bad", words: "dead" };

describe("a picture", () => {
  it("of any network names each node once, and has a line for each link", () => {
    fc.assert(
      fc.property(networks, (raw) => {
        check(topologyOf(planOf(raw)));
      }),
    );
  });

  it("of sixty peers of one relay has the relay and one box with their names", () => {
    const topology = topologyOf(star(60));
    check(topology);
    const { boxes, lines } = pictureOf(topology);
    assert.equal(lines.length, 1);
    assert.deepEqual(
      boxes.map(({ kind, text }) => [kind, text[0]]),
      [
        ["relay", "tokyo"],
        ["group", "60 devices"],
      ],
    );
    const rows = boxes[1]?.text.slice(1) ?? [];
    assert.equal(rows.join(" ").split(", ").length, 60);
    assert.ok(rows.every((row) => row.length <= 42));
  });

  it("of up to 16 nodes shows each", () => {
    assert.equal(pictureOf(topologyOf(star(15))).boxes.length, 16);
    assert.equal(pictureOf(topologyOf(star(16))).boxes.length, 2);
  });

  it("shows nodes separately that differ from the others of a group", () => {
    const topology = topologyOf(star(60));
    const nodes = topology.nodes.map((node) =>
      node.name === "p07" ? { ...node, mark: dead } : node,
    );
    const picture = pictureOf({ ...topology, nodes });
    assert.deepEqual(titles(picture), ["tokyo", "59 devices", "p07"]);
    check({ ...topology, nodes });
  });

  it("of a full mesh says so as text; a node that is down is outside the group", () => {
    const topology = topologyOf(fullMesh(20));
    check(topology);
    const { boxes, lines } = pictureOf(topology);
    assert.deepEqual([boxes.length, lines.length], [1, 0]);
    assert.deepEqual(boxes[0]?.text.slice(0, 2), ["20 devices", "each linked to all the others"]);
    const links = topology.links.map((link) =>
      link.a === "p07" || link.b === "p07" ? { ...link, mark: dead } : link,
    );
    const nodes = topology.nodes.map((node) =>
      node.name === "p07" ? { ...node, mark: dead } : node,
    );
    const down = pictureOf({ ...topology, nodes, links });
    assert.deepEqual(titles(down), ["19 devices", "p07"]);
    assert.equal(down.lines.length, 1);
  });

  it("of a large network keeps the LANs of a group with their gateways", () => {
    const peers = numbered(20).map((name, at): [string, object] => [
      name,
      { ...node(name, at + 2), subnets: [`192.168.${at}.0/24`] },
    ]);
    const plan = planWithKeys({ relays, peers: Object.fromEntries(peers) });
    const { boxes } = pictureOf(topologyOf(plan));
    assert.equal(boxes.length, 2);
    assert.equal(boxes[1]?.text[1], "p01: 192.168.0.0/24, p02: 192.168.1.0/24,");
  });
});

/** Asserts that each node is in one box, and that each link is a line between two boxes or noted in one. */
function check(topology: Topology): void {
  const { boxes, lines } = pictureOf(topology);
  assert.equal(new Set(boxes.map(({ id }) => id)).size, boxes.length);
  const holds = (name: string) => {
    const word = new RegExp(`(^|, |: )${name}(,|:|$)`);
    return boxes.filter(({ kind, text: [title = "", ...rows] }) =>
      kind === "group" ? rows.some((row) => word.test(row.replace(/,$/, ""))) : title === name,
    );
  };
  const boxOf = new Map(topology.nodes.map(({ name }) => [name, holds(name)]));
  for (const [name, found] of boxOf) assert.equal(found.length, 1, name);
  for (const { a, b } of topology.links) {
    const [one, other] = [boxOf.get(a)?.[0], boxOf.get(b)?.[0]];
    const isInside = one === other && one?.text.includes("each linked to all the others") === true;
    const ends = [one?.id, other?.id];
    const isLine = lines.some(({ inner, outer }) => ends.includes(inner) && ends.includes(outer));
    assert.ok(isInside || (one !== other && isLine), `${a} - ${b}`);
  }
}

const relays = { tokyo: { ...node("tokyo", 1), endpoint: "203.0.113.10:51820" } };

function star(peers: number): Plan {
  const named = numbered(peers).map((name, at) => [name, node(name, at + 2)] as const);
  return planWithKeys({ relays, peers: Object.fromEntries(named) });
}

function fullMesh(peers: number): Plan {
  const named = numbered(peers).map((name, at): [string, object] => [
    name,
    { ...node(name, at + 2), endpoint: `203.0.113.${at + 1}:51820` },
  ]);
  return planWithKeys({ peers: Object.fromEntries(named) });
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `p${String(at + 1).padStart(2, "0")}`);
}

function node(name: string, byte: number): object {
  return { address: `10.86.0.${byte}`, publicKey: keyOf(name) };
}
