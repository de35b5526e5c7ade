/** How the links are, from what the hosts at their ends say. */
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import type { Answer } from "./ask-nodes";

/**
 * `alive`: a handshake within the last 180 s, after which WireGuard forgets a session (REJECT_AFTER_TIME). `idle`: an older
 * one, at a link without keepalive, where that means only that nobody spoke. `dead`: none, though there should be one.
 * `away`: none, and one end is a node that is not pushed to: a phone may be off. `unknown`: no end could be asked.
 */
export type LinkState = "alive" | "idle" | "dead" | "away" | "unknown";

export interface LinkStatus {
  a: string;
  b: string;
  /** Seconds since the last handshake, by the clock of the host that says so; null: none, or not known. */
  handshakeAge: number | null;
  state: LinkState;
}

export const SESSION_S = 180;

/** The links of which at least one end was asked. */
export function linkStates(plan: Plan, answers: ReadonlyMap<string, Answer>): LinkStatus[] {
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  return plan.links.flatMap(({ a, b }) => {
    const [one, other] = [nodes.get(a), nodes.get(b)];
    if (one === undefined || other === undefined) return [];
    if (!answers.has(a) && !answers.has(b)) return [];
    const seen = [sight(one, other, answers.get(a)), sight(other, one, answers.get(b))];
    return [{ a, b, ...judge(one, other, seen) }];
  });
}

/** Seconds since the last handshake with a neighbour; null: never. Undefined: this end does not say. */
type Sight = number | null | undefined;

function sight(node: NodePlan, neighbour: NodePlan, answer: Answer | undefined): Sight {
  if (answer?.reachable !== true || node.hosts.length === 0) return undefined;
  const { facts } = answer;
  const peer = facts.peers.find(({ publicKey }) => publicKey === neighbour.publicKey);
  return handshakeAge(peer?.latestHandshake ?? null, facts.now);
}

export function handshakeAge(latest: number | null, now: number | null): number | null {
  return latest === null || now === null ? null : Math.max(0, now - latest);
}

function judge(one: NodePlan, other: NodePlan, seen: Sight[]): Omit<LinkStatus, "a" | "b"> {
  const ages = seen.filter((age) => typeof age === "number");
  const age = ages.length === 0 ? null : Math.min(...ages);
  if (age !== null && age <= SESSION_S) return { handshakeAge: age, state: "alive" };
  if (seen.every((sighting) => sighting === undefined))
    return { handshakeAge: null, state: "unknown" };
  if (one.hosts.length === 0 || other.hosts.length === 0)
    return { handshakeAge: age, state: "away" };
  const quiet = age !== null && !keptAlive(one, other) && !keptAlive(other, one);
  return { handshakeAge: age, state: quiet ? "idle" : "dead" };
}

function keptAlive(node: NodePlan, neighbour: NodePlan): boolean {
  return node.sections.some(
    ({ name, persistentKeepalive }) => name === neighbour.name && persistentKeepalive !== null,
  );
}
