/** The changes of nodes' keys, from the configs of their neighbours: a node's own config does not contain its public key. */
import { hasNextKey, keysByNeighbour, parseConfig } from "./config-changes";
import type { NetworkRecord } from "./record";

/** One node knows other keys of a neighbour than before. */
export interface KeyChange {
  node: string;
  neighbour: string;
  was: readonly string[];
  is: readonly string[];
  /** Whether one of `is` is the neighbour's next key. */
  hasNext: boolean;
}

export function keyChanges(before: NetworkRecord, after: NetworkRecord): KeyChange[] {
  return [...after.nodes].flatMap(([node, { config }]) => {
    const former = before.nodes.get(node);
    if (former === undefined || former.config === config) return [];
    const text = parseConfig(config);
    const known = keysByNeighbour(parseConfig(former.config));
    return [...keysByNeighbour(text)].flatMap(([neighbour, is]) => {
      const was = known.get(neighbour);
      if (was === undefined || (was.length === is.length && is.every((key) => was.includes(key))))
        return [];
      return [{ node, neighbour, was, is, hasNext: hasNextKey(text, neighbour) }];
    });
  });
}

/** Nodes whose next key is new to a neighbour. */
export function newNextKeys(changes: readonly KeyChange[]): string[] {
  const names = changes.flatMap((change) =>
    change.hasNext && addsKey(change) ? [change.neighbour] : [],
  );
  return [...new Set(names)].sort();
}

/**
 * Links for which an end has none of the former keys of the other. A relay with a second interface still serves its former key,
 * so a link to its next key does not restart.
 */
export function restartsOf(
  changes: readonly KeyChange[],
  after: NetworkRecord,
): { a: string; b: string }[] {
  const pairs = changes.flatMap(({ node, neighbour, was, is, hasNext }) => {
    if (is.some((key) => was.includes(key))) return [];
    const serves = after.nodes.get(neighbour)?.alternate ?? null;
    if (serves !== null && hasNext) return [];
    return [[node, neighbour].sort()];
  });
  const links = new Map(pairs.map(([a = "", b = ""]) => [`${a} ${b}`, { a, b }]));
  return [...links.values()].sort((x, y) => (`${x.a} ${x.b}` < `${y.a} ${y.b}` ? -1 : 1));
}

/** What happens to each node's own keys, as a line of a review. */
export function ownKeyLines(changes: readonly KeyChange[]): Map<string, string> {
  const byNode = Map.groupBy(changes, ({ neighbour }) => neighbour);
  return new Map([...byNode].map(([name, all]) => [name, ownKeyLine(all)]));
}

/** `changes`: of one node's keys, at its neighbours. */
function ownKeyLine(changes: readonly KeyChange[]): string {
  const adding = changes.filter(addsKey);
  if (adding.length === 0) return "~ one of its own keys is dropped";
  const hasNext = adding.some((change) => change.hasNext);
  return hasNext ? "~ it gets a next key of its own" : "~ its own key changes";
}

function addsKey({ was, is }: KeyChange): boolean {
  return is.some((key) => !was.includes(key));
}
