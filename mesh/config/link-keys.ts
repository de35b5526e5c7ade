/** Preshared keys that the config gives to single links, `presharedKeys: { laptop/tokyo: ... }`. */
import type { KeysDraft } from "./draft";

/** The name of a link: its two nodes, sorted. */
export function linkName(one: string, other: string): string {
  return one < other ? `${one}/${other}` : `${other}/${one}`;
}

/** The two nodes of an entry; null if its name is not that of a link. */
export function linkedNodes(entry: string): [string, string] | null {
  const [one = "", other = "", ...rest] = entry.split("/");
  return one === "" || other === "" || one === other || rest.length > 0 ? null : [one, other];
}

/** The values by link. */
export function byLink<T>(entries: ReadonlyMap<string, T>): Map<string, T> {
  return new Map(
    [...entries].flatMap(([entry, value]) => {
      const nodes = linkedNodes(entry);
      return nodes === null ? [] : [[linkName(...nodes), value] as const];
    }),
  );
}

/** The links with a key of their own, sorted. */
export function linksWithKey(keys: KeysDraft): Set<string> {
  return new Set(keys === "all" ? [] : [...byLink(keys).keys()].sort());
}
