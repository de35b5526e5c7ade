/** How the links are, from what the hosts at their ends say. */
import type { NodePlan, Plan } from "../../../mesh/plan/plan";
import { publicKeysOf } from "../../../mesh/plan/rotation";
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
    const ends = [endOf(one, other, answers.get(a)), endOf(other, one, answers.get(b))];
    return [{ a, b, ...judge(ends, one.hosts.length > 0 && other.hosts.length > 0) }];
  });
}

/** What one end of a link is told to do, and what it says. */
interface End {
  dials: boolean;
  keepsAlive: boolean;
  /** Seconds since the last handshake; null: none. Undefined: it could not be asked. */
  age: number | null | undefined;
}

function endOf(node: NodePlan, neighbour: NodePlan, answer: Answer | undefined): End {
  const section = node.sections.find(({ name }) => name === neighbour.name);
  const said = answer?.reachable === true ? answer.facts : undefined;
  // By whichever key, on whichever interface.
  const keys = publicKeysOf(neighbour);
  const peers = [...(said?.peers ?? []), ...(said?.alternate?.peers ?? [])];
  const shaken = peers.flatMap(({ publicKey, latestHandshake }) =>
    keys.includes(publicKey) ? (latestHandshake ?? []) : [],
  );
  const latest = shaken.length === 0 ? null : Math.max(...shaken);
  return {
    dials: section !== undefined && section.endpoint !== null,
    keepsAlive: section !== undefined && section.persistentKeepalive !== null,
    age: said === undefined ? undefined : handshakeAge(latest, said.now),
  };
}

export function handshakeAge(latest: number | null, now: number | null): number | null {
  return latest === null || now === null ? null : Math.max(0, now - latest);
}

function judge(ends: End[], bothPushed: boolean): Omit<LinkStatus, "a" | "b"> {
  const sights = ends.filter(({ age }) => age !== undefined);
  if (sights.length === 0) return { handshakeAge: null, state: "unknown" };
  // The end that dials knows best: the other one goes on counting on a session that the first has lost.
  const diallers = sights.filter(({ dials }) => dials);
  const ages = (diallers.length > 0 ? diallers : sights).flatMap(({ age }) => age ?? []);
  const age = ages.length === 0 ? null : Math.min(...ages);
  if (age !== null && age <= SESSION_S) return { handshakeAge: age, state: "alive" };
  if (!bothPushed) return { handshakeAge: age, state: "away" };
  const quiet = age !== null && !ends.some(({ keepsAlive }) => keepsAlive);
  return { handshakeAge: age, state: quiet ? "idle" : "dead" };
}
