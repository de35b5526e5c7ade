/** The order of pushes. */
import { jumpRelays } from "./jump-relays";
import type { NodePlan } from "./plan";
import { announcesKey, hasSecondInterface } from "./rotation";

/** The nodes whose pushes must succeed before that of `node`, such as its relays and its jump hosts. `relays`: all relays. */
export function pushedBefore(node: NodePlan, relays: readonly NodePlan[]): string[] {
  const before =
    node.kind === "relay" ? relays.filter(hasSecondInterface) : linkedBefore(node, relays);
  const names = [...before.map(({ name }) => name), ...jumpRelays(node)];
  return [...new Set(names)].filter((name) => name !== node.name);
}

/** A peer switches to its next key last, once all its neighbours accept that key. */
function linkedBefore(node: NodePlan, relays: readonly NodePlan[]): readonly { name: string }[] {
  if (announcesKey(node)) return node.sections;
  return node.sections.filter(({ name }) => relays.some((relay) => relay.name === name));
}
