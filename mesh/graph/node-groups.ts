/** Groups nodes with the same links, which a picture of a large network shows as one box. */
import type { DrawnLink, DrawnNode, Mark, Topology } from "./topology";

/** Nodes that are linked to the same others; if `linked`, also to one another. */
export interface NodeGroup {
  nodes: DrawnNode[];
  linked: boolean;
}

/** A picture of up to this many nodes shows each of them. */
const MAX_UNGROUPED = 16;
const MIN_GROUP = 4;
/** For nodes that are all linked to one another: five of them have ten links, which clutter a picture. */
const MIN_LINKED_GROUP = 5;

/** All nodes, each in one group, sorted by the first name. O(links), except for sorting. */
export function groupNodes(topology: Topology): NodeGroup[] {
  const isLarge = topology.nodes.length > MAX_UNGROUPED;
  const peers = topology.nodes.filter(({ kind }) => kind !== "relay");
  const describeNode = describe(topology);
  const linked = groupsBy(peers, (node) => describeNode(node, true), MIN_LINKED_GROUP);
  const inClique = new Set(linked.flat());
  const others = peers.filter((node) => !inClique.has(node));
  const same = isLarge ? groupsBy(others, (node) => describeNode(node, false), MIN_GROUP) : [];
  const grouped = new Set([...inClique, ...same.flat()]);
  const alone = topology.nodes.filter((node) => !grouped.has(node));
  return [
    ...linked.map((nodes) => ({ nodes, linked: true })),
    ...same.map((nodes) => ({ nodes, linked: false })),
    ...alone.map((node) => ({ nodes: [node], linked: false })),
  ].sort((a, b) => (firstName(a) < firstName(b) ? -1 : 1));
}

function firstName({ nodes }: NodeGroup): string {
  return nodes[0]?.name ?? "";
}

function groupsBy(
  nodes: readonly DrawnNode[],
  key: (node: DrawnNode) => string | null,
  fewest: number,
): DrawnNode[][] {
  const groups = Map.groupBy(nodes, key);
  groups.delete(null);
  return [...groups.values()].filter(({ length }) => length >= fewest);
}

/**
 * Describes how a picture shows a node, except for its name and addresses; equal texts form a group. With `among`, for nodes
 * that are linked to one another, each counts as linked to itself, so that their neighbours are the same.
 */
function describe(topology: Topology): (node: DrawnNode, among: boolean) => string | null {
  const links = new Map<string, [neighbour: string, how: string][]>();
  const add = (node: string, neighbour: string, how: string) => {
    const known = links.get(node);
    if (known === undefined) links.set(node, [[neighbour, how]]);
    else known.push([neighbour, how]);
  };
  for (const link of topology.links) {
    add(link.a, link.b, linkKind(link, "a"));
    add(link.b, link.a, linkKind(link, "b"));
  }
  const lans = Map.groupBy(topology.lans, ({ gateway }) => gateway);
  const exits = new Map(topology.exits.map((exit) => [exit.peer, exit]));
  return ({ name, kind, site, endpoint, mark }, among) => {
    const own = links.get(name) ?? [];
    const usual = among ? mostFrequent(own.filter(([, how]) => how.startsWith("direct"))) : null;
    if (among && usual === null) return null;
    const all = usual === null ? own : [...own, [name, usual] as const];
    const exit = exits.get(name);
    return JSON.stringify([
      ...[kind, site, endpoint !== null, markText(mark)],
      lans.get(name)?.map((lan) => markText(lan.mark)) ?? [],
      exit === undefined ? "" : `${exit.relay} ${markText(exit.mark)}`,
      all.map(([neighbour, how]) => `${neighbour} ${how}`).sort(),
    ]);
  };
}

/** The most frequent kind of link, which is the kind between the nodes of a group. */
function mostFrequent(links: readonly [string, string][]): string | null {
  const counts = [...Map.groupBy(links, ([, how]) => how)].sort(
    ([one, a], [other, b]) => b.length - a.length || (one < other ? -1 : 1),
  );
  return counts[0]?.[0] ?? null;
}

function linkKind({ dials, direct, mark }: DrawnLink, end: "a" | "b"): string {
  const who = dials === "both" ? "both" : dials === end ? "dials" : "is dialled";
  return `${direct ? "direct" : "relay"} ${who} ${markText(mark)}`;
}

function markText(mark: Mark | null): string {
  return mark === null ? "" : `${mark.tone} ${mark.words}`;
}
