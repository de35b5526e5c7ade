/** The path of a packet through the links: direct, or through the home relays of both ends. */
import type { Family } from "../addresses";
import type { Node } from "../config/config";
import type { Link } from "./links";

export interface LinkIndex {
  nodes: readonly Node[];
  /** The nodes with LANs behind them. */
  gateways: readonly Node[];
  node(name: string): Node | undefined;
  linked(a: string, b: string): boolean;
  /** The nodes linked to this one, sorted by name. */
  neighbours(name: string): Node[];
}

export function indexLinks(nodes: readonly Node[], links: readonly Link[]): LinkIndex {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const neighbours = new Map<string, Set<string>>(nodes.map((node) => [node.name, new Set()]));
  for (const { a, b } of links) {
    neighbours.get(a)?.add(b);
    neighbours.get(b)?.add(a);
  }
  return {
    nodes,
    gateways: nodes.filter(({ subnets }) => subnets.length > 0),
    node: (name) => byName.get(name),
    linked: (a, b) => neighbours.get(a)?.has(b) ?? false,
    neighbours: (name) =>
      [...(neighbours.get(name) ?? [])].sort().flatMap((other) => byName.get(other) ?? []),
  };
}

/**
 * The names of the nodes on the path from `from` to `to`, both included, or null if there is none. Links work in both
 * directions, so replies take the same path back.
 */
export function pathBetween(from: Node, to: Node, index: LinkIndex): string[] | null {
  if (from.name === to.name) return [from.name];
  if (index.linked(from.name, to.name)) return [from.name, to.name];
  const entry = from.kind === "relay" ? from.name : from.relay;
  const exit = to.kind === "relay" ? to.name : to.relay;
  if (entry === null || exit === null) return null;
  const path = [...new Set([from.name, entry, exit, to.name])];
  const connected = path.every((name, at) => at === 0 || index.linked(path[at - 1] ?? "", name));
  return connected ? path : null;
}

/** A path as people read it: `direct`, or `through tokyo, osaka`. */
export function pathText(path: readonly string[]): string {
  const between = path.slice(1, -1);
  return between.length === 0 ? "direct" : `through ${between.join(", ")}`;
}

/** Reports whether every node on the path handles this family: one without an IPv6 address has no IPv6 allowed IPs. */
export function carries(path: readonly string[], family: Family, index: LinkIndex): boolean {
  return family === 4 || path.every((name) => index.node(name)?.address6 !== null);
}
