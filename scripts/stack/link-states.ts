/** The states of the links, from the handshakes that hosts report. */
import type { Observation } from "../../mesh/host/observation";
import { handshakeAge, peersOfNode, SESSION_S } from "../../mesh/host/running-peers";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { poll } from "../poll";
import { queryHosts, type HostAnswer, type HostAnswers } from "./query-hosts";
import type { Access } from "./host-access";

/**
 * `alive`: a handshake within the last 180 s, the lifetime of a WireGuard session (REJECT_AFTER_TIME). Otherwise `away` if one
 * end is a device, which may be off; `idle` if there was a handshake and neither end has a keepalive, which is normal without
 * traffic; else `dead`. `unknown`: neither end could be queried.
 */
export type LinkState = "alive" | "idle" | "dead" | "away" | "unknown";

export interface LinkStatus {
  a: string;
  b: string;
  /** Seconds since the last handshake, by the clock of the host that reports it; null: none, or unknown. */
  handshakeAge: number | null;
  state: LinkState;
}

/** The states of the links of which at least one end was queried. */
export function linkStates(plan: Plan, answers: HostAnswers): LinkStatus[] {
  const nodes = new Map(plan.nodes.map((node) => [node.name, node]));
  return plan.links.flatMap(({ a, b }) => {
    const [one, other] = [nodes.get(a), nodes.get(b)];
    if (one === undefined || other === undefined) return [];
    if (!answers.has(a) && !answers.has(b)) return [];
    const device = plan.network.interface;
    const ends = [
      endOf(one, other, answers.get(a), device),
      endOf(other, one, answers.get(b), device),
    ];
    return [{ a, b, ...stateOf(ends, one.hosts.length > 0 && other.hosts.length > 0) }];
  });
}

/** One end of a link: its planned part, and what its host reports. */
interface End {
  dials: boolean;
  keepsAlive: boolean;
  /** Seconds since the last handshake; null: none; undefined: the host could not be queried. */
  age: number | null | undefined;
}

/** `device`: the name of the first interface. */
function endOf(
  node: NodePlan,
  neighbour: NodePlan,
  answer: HostAnswer | undefined,
  device: string,
): End {
  const section = node.sections.find(({ name }) => name === neighbour.name);
  return {
    dials: section !== undefined && section.endpoint !== null,
    keepsAlive: section !== undefined && section.persistentKeepalive !== null,
    age: answer?.reachable === true ? ageOf(neighbour, answer.observed, device) : undefined,
  };
}

function ageOf(neighbour: NodePlan, observed: Observation, device: string): number | null {
  const [latest] = peersOfNode(neighbour, observed, device);
  return handshakeAge(latest?.latestHandshake ?? 0, observed);
}

function stateOf(ends: End[], bothPushed: boolean): Omit<LinkStatus, "a" | "b"> {
  const queried = ends.filter(({ age }) => age !== undefined);
  if (queried.length === 0) return { handshakeAge: null, state: "unknown" };
  // Prefer the end that dials: the other end may still show the handshake of a session that the dialling end has lost.
  const diallers = queried.filter(({ dials }) => dials);
  const ages = (diallers.length > 0 ? diallers : queried).flatMap(({ age }) => age ?? []);
  const age = ages.length === 0 ? null : Math.min(...ages);
  if (age !== null && age <= SESSION_S) return { handshakeAge: age, state: "alive" };
  if (!bothPushed) return { handshakeAge: age, state: "away" };
  const idle = age !== null && !ends.some(({ keepsAlive }) => keepsAlive);
  return { handshakeAge: age, state: idle ? "idle" : "dead" };
}

/** Enough for two retries: a handshake without an answer is sent again after 5 s (REKEY_TIMEOUT). */
const HANDSHAKE_TIMES = { limitMs: 15_000, pauseMs: 1_000 };

/**
 * Waits, for 15 s at most, until no link between those of `nodes` that have a host is dead. Returns the states of these links and
 * of those to devices. First queries the hosts without an answer in `known`, later those with a dead link. Tests replace `ask`.
 */
export async function awaitLinks(
  nodes: readonly NodePlan[],
  access: Access,
  known: HostAnswers = new Map(),
  ask: typeof queryHosts = queryHosts,
): Promise<LinkStatus[]> {
  const pushed = nodes.filter((node) => node.hosts.length > 0);
  const answers = new Map<string, HostAnswer>(known);
  let links: LinkStatus[] = [];
  let toAsk = pushed.filter(({ name }) => !known.has(name));
  await poll(async () => {
    for (const [name, answer] of await ask(toAsk, access)) answers.set(name, answer);
    links = linksAmong(pushed, access.plan, answers);
    const dead = links.filter((link) => link.state === "dead");
    toAsk = pushed.filter(({ name }) => dead.some(({ a, b }) => a === name || b === name));
    return dead.length === 0 ? true : undefined;
  }, HANDSHAKE_TIMES);
  return links;
}

/** Leaves out links to a host that is not among `pushed`: its push has failed, so its tunnels are not expected to work. */
function linksAmong(pushed: readonly NodePlan[], plan: Plan, answers: HostAnswers): LinkStatus[] {
  const devices = plan.nodes.filter((node) => node.hosts.length === 0);
  const names = new Set([...pushed, ...devices].map((node) => node.name));
  return linkStates(plan, answers).filter(({ a, b }) => names.has(a) && names.has(b));
}
