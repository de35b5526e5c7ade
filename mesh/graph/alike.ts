/** Nodes that a picture of a large network shows as one: those with the same links. */
import type { DrawnLink, DrawnNode, Mark, Topology } from "./topology";

/** Nodes that are linked to the same others; `linked`: each of them also to each other. */
export interface Alike {
  nodes: DrawnNode[];
  linked: boolean;
}

/** Up to so many nodes, a picture shows each. */
export const EACH_SHOWN = 16;
const FEWEST = 4;
/** Of nodes that are all linked to one another, the links are what makes a picture unreadable: 10 between five. */
const FEWEST_LINKED = 5;

/** All nodes, each in one of the lists, sorted by the first name. O(links), but for sorting. */
export function alikeNodes(topology: Topology): Alike[] {
  const isLarge = topology.nodes.length > EACH_SHOWN;
  const peers = topology.nodes.filter(({ kind }) => kind !== "relay");
  const words = describe(topology);
  const linked = groupsBy(peers, (node) => words(node, true), FEWEST_LINKED);
  const inClique = new Set(linked.flat());
  const others = peers.filter((node) => !inClique.has(node));
  const same = isLarge ? groupsBy(others, (node) => words(node, false), FEWEST) : [];
  const grouped = new Set([...inClique, ...same.flat()]);
  const alone = topology.nodes.filter((node) => !grouped.has(node));
  return [
    ...linked.map((nodes) => ({ nodes, linked: true })),
    ...same.map((nodes) => ({ nodes, linked: false })),
    ...alone.map((node) => ({ nodes: [node], linked: false })),
  ].sort((a, b) => (firstName(a) < firstName(b) ? -1 : 1));
}

function firstName({ nodes }: Alike): string {
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

/** What a picture says of a node but its name and addresses, as text. Among themselves: as if each were linked to itself. */
function describe(topology: Topology): (node: DrawnNode, among: boolean) => string | null {
  const links = new Map<string, [neighbour: string, how: string][]>();
  const add = (node: string, neighbour: string, how: string) => {
    const known = links.get(node);
    if (known === undefined) links.set(node, [[neighbour, how]]);
    else known.push([neighbour, how]);
  };
  for (const link of topology.links) {
    add(link.a, link.b, wayOf(link, "a"));
    add(link.b, link.a, wayOf(link, "b"));
  }
  const lans = Map.groupBy(topology.lans, ({ gateway }) => gateway);
  const exits = new Map(topology.exits.map((exit) => [exit.peer, exit]));
  return ({ name, kind, site, endpoint, mark }, among) => {
    const own = links.get(name) ?? [];
    const usual = among ? usualOf(own.filter(([, how]) => how.startsWith("direct"))) : null;
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

/** The commonest: where two nodes have the same description, it is how they are linked. */
function usualOf(links: readonly [string, string][]): string | null {
  const counts = [...Map.groupBy(links, ([, how]) => how)].sort(
    ([one, a], [other, b]) => b.length - a.length || (one < other ? -1 : 1),
  );
  return counts[0]?.[0] ?? null;
}

function wayOf({ dials, direct, mark }: DrawnLink, end: "a" | "b"): string {
  const who = dials === "both" ? "both" : dials === end ? "dials" : "is dialled";
  return `${direct ? "direct" : "relay"} ${who} ${markText(mark)}`;
}

function markText(mark: Mark | null): string {
  return mark === null ? "" : `${mark.tone} ${mark.words}`;
}
