/** The path of a ping through the network, hop by hop, compared with the path outside the tunnel. */
import { contains, parseAddress, type IpAddress } from "../addresses";
import { canonicalAddress } from "../host/prefixes";
import { indexLinks, pathBetween } from "../plan/paths";
import type { NodePlan, Plan } from "../plan/plan";
import { indexPolicy } from "../plan/policy";
import { OUTSIDE_TIMEOUT_S, TUNNEL_TIMEOUT_S, type Probe } from "./probes";

/** The target of a ping. */
export interface Target {
  /** As the user named it: a node's name, or an address in a LAN. */
  name: string;
  address: string;
  /** The target in terms of the policy: the node, or the LAN. */
  member: string;
  /** The last node on the path. */
  node: NodePlan;
}

export interface Hop {
  name: string;
  address: string;
  /** Round trip in ms from the first node, the best of three; null: lost. */
  ms: number | null;
  /** Round trip in ms from the previous hop; null: lost, or that hop could not be queried. */
  legMs: number | null;
  /** From the previous hop to its outer address, without the tunnel. Null: unknown, or lost, since many routers drop pings. */
  outside: { address: string; ms: number } | null;
}

export interface Trace {
  ok: boolean;
  from: string;
  to: string;
  hops: Hop[];
  /** From the first node to the outer address of the last one, without the tunnel; null on a path without a relay. */
  direct: { address: string; ms: number } | null;
  /** The hops between which the ping is lost; null: it arrives. */
  stops: { after: string; before: string } | null;
  /** Whether the policy lets the first node start something to the target. */
  allowed: boolean;
}

/** Null unless the text is a node, its address, or an address in a LAN behind one. */
export function findTarget(text: string, plan: Plan): Target | null {
  const named = plan.nodes.find(({ name }) => name === text);
  if (named !== undefined) return toNode(named);
  const address = canonicalAddress(text);
  if (address === null) return null;
  const parsed = parseAddress(address);
  const holder = plan.nodes.find((node) => node.address.text === address);
  if (holder !== undefined) return toNode(holder);
  return toLan(parsed, plan);
}

function toNode(node: NodePlan): Target {
  return { name: node.name, address: node.address.text, member: node.name, node };
}

function toLan(address: IpAddress, { nodes }: Plan): Target | null {
  const lans = nodes.flatMap((node) =>
    node.subnets.filter((lan) => contains(lan, address)).map((lan) => ({ lan, node })),
  );
  const [nearest] = lans.sort((one, other) => other.lan.length - one.lan.length);
  if (nearest === undefined) return null;
  const { lan, node } = nearest;
  return { name: address.text, address: address.text, member: lan.text, node };
}

/** The nodes on the path, both ends included; null: there is no path. */
export function pathTo(from: NodePlan, target: Target, plan: Plan): NodePlan[] | null {
  const path = pathBetween(from, target.node, indexLinks(plan.nodes, plan.links));
  return path?.flatMap((name) => plan.nodes.find((node) => node.name === name) ?? []) ?? null;
}

/** The outer address of a neighbour as a node sees it, by `NODE NEIGHBOUR`. */
type OuterAddresses = ReadonlyMap<string, string>;

/** The pings that each node on the path sends. */
export function traceProbes(
  way: readonly NodePlan[],
  target: Target,
  outer: OuterAddresses,
): Map<string, Probe[]> {
  const probes = new Map(way.map(({ name }) => [name, new Map<string, Probe>()]));
  const add = (node: NodePlan | undefined, address: string | undefined, timeoutS: number) => {
    if (node === undefined || address === undefined) return;
    probes.get(node.name)?.set(address, { address, size: 0, timeoutS, isTimed: true });
  };
  const [first] = way;
  add(first, directAddress(way, outer), OUTSIDE_TIMEOUT_S);
  for (const [at, { name, address }] of hopsAfterFirst(way, target).entries()) {
    const before = way[at];
    add(before, outer.get(`${before?.name} ${name}`), OUTSIDE_TIMEOUT_S);
    add(before, address, TUNNEL_TIMEOUT_S);
    add(first, address, TUNNEL_TIMEOUT_S);
  }
  return new Map([...probes].map(([name, all]) => [name, [...all.values()]]));
}

/** Each hop after the first node; the machine in a LAN is the last one. */
function hopsAfterFirst(way: readonly NodePlan[], target: Target) {
  const nodes = way.slice(1).map(({ name, address }) => ({ name, address: address.text }));
  const { name, address } = target;
  return target.node.address.text === address ? nodes : [...nodes, { name, address }];
}

/** The outer address of the last node, as the hop before it sees it; often that of its router. */
function directAddress(way: readonly NodePlan[], outer: OuterAddresses): string | undefined {
  const [last, before] = [way.at(-1), way.at(-2)];
  if (way.length < 3 || last === undefined || before === undefined) return undefined;
  return outer.get(`${before.name} ${last.name}`);
}

/** `pings`: round trips by node and address. */
export function traceOf(
  way: readonly NodePlan[],
  target: Target,
  plan: Plan,
  outer: OuterAddresses,
  pings: ReadonlyMap<string, ReadonlyMap<string, number | null>>,
): Trace {
  const [first] = way;
  const from = first?.name ?? "";
  const rtt = (node: string | undefined, address: string | undefined) =>
    (address === undefined ? null : pings.get(node ?? "")?.get(address)) ?? null;
  const outside = (node: string | undefined, address: string | undefined) => {
    const ms = rtt(node, address);
    return address === undefined || ms === null ? null : { address, ms };
  };
  const hops = hopsAfterFirst(way, target).map(({ name, address }, at): Hop => {
    const before = way[at]?.name;
    return {
      ...{ name, address, ms: rtt(from, address), legMs: rtt(before, address) },
      outside: outside(before, outer.get(`${before} ${name}`)),
    };
  });
  const at = hops.findIndex(({ ms }) => ms === null);
  // A hop may drop pings to itself and still forward: if the target answers, the path works.
  const arrives = (hops.at(-1)?.ms ?? null) !== null;
  const before = hops[at];
  const policy = indexPolicy(plan);
  return {
    ok: arrives,
    from,
    to: target.name,
    hops,
    direct: outside(from, directAddress(way, outer)),
    stops:
      arrives || before === undefined
        ? null
        : { after: hops[at - 1]?.name ?? from, before: before.name },
    allowed: policy === null || policy.access(from, target.member) !== "none",
  };
}
