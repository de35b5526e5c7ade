/** Waits until the links between pushed nodes have shaken hands, for a bounded time. */
import { setTimeout as sleep } from "node:timers/promises";
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import type { Access } from "../../stack/network";
import { askNodes, type Answer } from "../status/ask-nodes";
import { linkStates, type LinkStatus } from "../status/link-states";

/** A peer that shook hands in vain tries again after 5 s (REKEY_TIMEOUT), so this is enough for two such tries. */
const LIMIT_MS = 15_000;
const PAUSE_MS = 1_000;

/**
 * The links between those of `nodes` that have a host; a host is asked again only while one of its links is dead.
 * `ask` is there for tests.
 */
export async function awaitLinks(
  nodes: readonly NodePlan[],
  access: Access,
  ask: typeof askNodes = askNodes,
): Promise<LinkStatus[]> {
  const pushed = nodes.filter((node) => node.hosts.length > 0);
  const deadline = Date.now() + LIMIT_MS;
  const answers = await ask(pushed, access);
  for (;;) {
    const links = linksAmong(pushed, access.plan, answers);
    const dead = links.filter((link) => link.state === "dead");
    if (dead.length === 0 || Date.now() + PAUSE_MS > deadline) return links;
    await sleep(PAUSE_MS);
    const again = pushed.filter(({ name }) => dead.some(({ a, b }) => a === name || b === name));
    for (const [name, answer] of await ask(again, access)) answers.set(name, answer);
  }
}

function linksAmong(
  nodes: readonly NodePlan[],
  plan: Plan,
  answers: ReadonlyMap<string, Answer>,
): LinkStatus[] {
  const names = new Set(nodes.map((node) => node.name));
  return linkStates(plan, answers).filter(({ a, b }) => names.has(a) && names.has(b));
}
