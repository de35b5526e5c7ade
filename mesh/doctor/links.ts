/** The planned links between hosts that answered, each as both ends report it. */
import { indexLinks, pathBetween } from "../plan/paths";
import type { NodePlan } from "../plan/plan";
import { indexPolicy, type Policy } from "../plan/policy";
import type { PeerSection } from "../plan/peer-section";
import type { Cause, Facts, HostFacts } from "./facts";
import { PING_HEADERS, RETURN_TIMEOUT_S, TUNNEL_TIMEOUT_S, type Probe } from "./probes";
import { isFresh, latestView, viewOf } from "./tunnel-view";

/** One end of a link. */
export interface End {
  facts: HostFacts;
  node: NodePlan;
  other: NodePlan;
  /** Its section for the other end. */
  section: PeerSection | null;
  /** The round trip in ms; null: lost; undefined: it sent no ping. */
  ping: number | null | undefined;
}

/** The end that dials comes first; a peer before a relay. */
export interface HostLink {
  near: End;
  far: End;
}

/** Why a link does not work, or will not after a restart. */
export interface LinkCause extends Cause {
  /** The end to fix. */
  at: NodePlan;
  other: NodePlan;
  /** The cause is or may be at the other end: the same cause of several links is one finding. */
  isShared?: true;
  /** Ends the text of the cause if each of its links works for now. */
  meanwhile?: string;
}

/** Links of which both ends are among `hosts`. */
export function linksBetween({ plan }: Facts, hosts: ReadonlyMap<string, HostFacts>): HostLink[] {
  return plan.links.flatMap(({ a, b }) => {
    const [one, other] = [hosts.get(a), hosts.get(b)];
    if (one === undefined || other === undefined) return [];
    const ends = [endOf(one, other.node), endOf(other, one.node)] as const;
    const [near, far] = rank(ends[0]) <= rank(ends[1]) ? ends : [ends[1], ends[0]];
    return [{ near, far }];
  });
}

function endOf(facts: HostFacts, other: NodePlan): End {
  const { node, probes } = facts;
  return {
    facts,
    node,
    other,
    section: node.sections.find(({ name }) => name === other.name) ?? null,
    ping: probes?.pings.get(other.address.text),
  };
}

function rank({ section, node }: End): number {
  const dials = section !== null && section.endpoint !== null;
  return (dials ? 0 : 2) + (node.kind === "peer" ? 0 : 1);
}

/** Whether packets pass; without pings, whether there is a session where one is expected. */
export function works({ near, far }: HostLink): boolean {
  const pings = [near.ping, far.ping];
  if (pings.some((ping) => typeof ping === "number")) return true;
  if (pings.some((ping) => ping === null)) return false;
  const views = [near, far].map(({ facts, other }) => latestView(facts, other));
  if (views.some(isFresh)) return true;
  const keepsAlive = [near, far].some(
    ({ section }) => (section?.persistentKeepalive ?? null) !== null,
  );
  return !keepsAlive && views.some(({ age }) => age !== null);
}

/** Whether an end that dials had no session before the pings. */
export function wasDown({ facts, other, section }: End): boolean {
  const dials = section !== null && section.endpoint !== null;
  return dials && !isFresh(viewOf(facts, facts.observed, other));
}

/** The payload of the largest ping that fits the tunnel's MTU at both ends. */
export function largestPing({ near, far }: HostLink): number {
  const mtus = [near, far].map(
    ({ facts: { observed, wanted } }) => observed.network.links.get(wanted.main.name)?.mtu ?? 0,
  );
  return Math.max(0, Math.min(...mtus) - PING_HEADERS);
}

/**
 * The pings that each host sends: one end of each link to the other, since an answer proves both directions; to one node behind
 * a relay, and to the named nodes.
 */
export function probesOf(
  facts: Facts,
  hosts: ReadonlyMap<string, HostFacts>,
): Map<string, Probe[]> {
  const policy = indexPolicy(facts.plan);
  const probes = new Map<string, Probe[]>([...hosts.keys()].map((name) => [name, []]));
  for (const link of linksBetween(facts, hosts)) {
    const end = [link.near, link.far].find(({ node, other }) => mayPing(node, other, policy));
    if (end !== undefined) probes.get(end.node.name)?.push(probeFrom(end, link, TUNNEL_TIMEOUT_S));
  }
  for (const { from, to } of relayedPairs(facts, hosts)) {
    probes.get(from.name)?.push({ address: to.address.text, size: 0, timeoutS: TUNNEL_TIMEOUT_S });
  }
  return probes;
}

/** The pings in the other direction, on links where that of probesOf was not answered: one end may drop pings. */
export function returnProbesOf(
  facts: Facts,
  hosts: ReadonlyMap<string, HostFacts>,
): Map<string, Probe[]> {
  const policy = indexPolicy(facts.plan);
  const probes = linksBetween(facts, hosts).flatMap((link) => {
    const { near, far } = link;
    // Undefined: near sent none, or its connection has ended.
    const isLost = typeof near.ping !== "number" && far.ping === undefined;
    return isLost && mayPing(far.node, near.node, policy)
      ? [[far.node.name, probeFrom(far, link, RETURN_TIMEOUT_S)] as const]
      : [];
  });
  const groups = Map.groupBy(probes, ([name]) => name);
  return new Map([...groups].map(([name, all]) => [name, all.map(([, probe]) => probe)]));
}

function probeFrom({ other }: End, link: HostLink, timeoutS: number): Probe {
  return { address: other.address.text, size: largestPing(link), timeoutS };
}

export function mayPing(from: NodePlan, to: NodePlan, policy: Policy | null): boolean {
  return policy === null || policy.access(from.name, to.name) !== "none";
}

interface RelayedPair {
  from: NodePlan;
  to: NodePlan;
  /** The first node on the path. */
  relay: string;
}

/**
 * Pairs without a direct link whose whole path is among `hosts`: the pairs that the user named, and for each host one other,
 * which tests its relay.
 */
export function relayedPairs(
  { plan, names }: Facts,
  hosts: ReadonlyMap<string, HostFacts>,
): RelayedPair[] {
  const policy = indexPolicy(plan);
  const index = indexLinks(plan.nodes, plan.links);
  const nodes = plan.nodes.filter(({ name }) => hosts.has(name));
  const pair = (from: NodePlan, to: NodePlan): RelayedPair[] => {
    const path = pathBetween(from, to, index) ?? [];
    const [, relay] = path;
    const isOfHosts = path.length > 2 && path.every((name) => hosts.has(name));
    return isOfHosts && relay !== undefined && mayPing(from, to, policy)
      ? [{ from, to, relay }]
      : [];
  };
  const isNamed = (from: NodePlan, to: NodePlan) =>
    names.includes(from.name) && names.indexOf(from.name) < names.indexOf(to.name);
  return nodes.flatMap((from, at) => {
    const others = [...nodes.slice(at + 1), ...nodes.slice(0, at)];
    const next = others.find((to) => pair(from, to).length > 0);
    const all = others.filter((to) => to === next || isNamed(from, to));
    return all.flatMap((to) => pair(from, to));
  });
}
