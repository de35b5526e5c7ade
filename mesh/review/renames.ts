/** Finds renamed nodes in a change. */
import { keysByNeighbour, parseConfig } from "./config-changes";
import type { NetworkRecord } from "./record";

/** Nodes that keep their key under another name: former name to new name, and new name to former name. */
export function renamedIn(before: NetworkRecord, after: NetworkRecord): Map<string, string> {
  const removed = namesByKey(before, after);
  const added = namesByKey(after, before);
  return new Map(
    [...removed].flatMap(([key, former]) => {
      const now = added.get(key);
      return now === undefined ? [] : [[former, now] as const, [now, former] as const];
    }),
  );
}

/** Names by public key, of the nodes that are not in the other network. */
function namesByKey({ nodes }: NetworkRecord, other: NetworkRecord): Map<string, string> {
  if ([...nodes.keys()].every((name) => other.nodes.has(name))) return new Map();
  return new Map(
    [...nodes.values()]
      .flatMap(({ config }) => [...keysByNeighbour(parseConfig(config))])
      .filter(([name]) => nodes.has(name) && !other.nodes.has(name))
      .flatMap(([name, keys]) => keys.map((key) => [key, name] as const)),
  );
}
