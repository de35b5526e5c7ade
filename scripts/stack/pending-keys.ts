/** Key rotations in progress: which neighbours have not had a handshake with the new key yet. */
import type { WireGuardPeer } from "../../mesh/host/wireguard-state";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { publicKeysOf } from "../../mesh/plan/rotation";
import { poll } from "../poll";
import { queryHosts, type HostAnswers } from "./query-hosts";
import { openAccess } from "./host-access";
import type { OpenStack } from "./open-stack";
import { runningPeers, secondPeers } from "../../mesh/host/running-peers";

/** A node with a rotation in progress. */
export interface PendingKey {
  node: string;
  nextPublicKey: string;
  /**
   * Neighbours without a handshake with the new key, or the node itself if it is a device without its new config. Empty: the
   * rotation can be finished.
   */
  waitsFor: WaitingNeighbour[];
}

export interface WaitingNeighbour {
  node: string;
  /**
   * `unreached`: it cannot be queried. `silent`: it has the new key, but no handshake with it. `handOver`: it is a device that
   * needs its new config.
   */
  why: "unreached" | "silent" | "handOver";
}

/** Queries the hosts. Returns all rotations in progress, or those of the named nodes. */
export async function findPendingKeys(
  stack: OpenStack,
  names?: readonly string[],
): Promise<PendingKey[]> {
  const plan = await stack.plan();
  const hosts = hostsToQuery(plan);
  const answers =
    hosts.length === 0
      ? new Map<string, never>()
      : await queryHosts(hosts, await openAccess(stack));
  return pendingKeys(plan, answers).filter(({ node }) => names?.includes(node) ?? true);
}

/** Enough for three retries: a handshake without an answer is sent again after 5 s (REKEY_TIMEOUT). */
const PROOF_TIMES = { limitMs: 20_000, pauseMs: 1_000 };

/** Waits, for 20 s at most, until all neighbours that have the new key of a named node had a handshake with it. */
export async function awaitNewKeys(
  stack: OpenStack,
  names: readonly string[],
): Promise<PendingKey[]> {
  let pending: PendingKey[] = [];
  await poll(async () => {
    pending = await findPendingKeys(stack, names);
    const silent = pending.some(({ waitsFor }) => waitsFor.some(({ why }) => why === "silent"));
    return silent ? undefined : true;
  }, PROOF_TIMES);
  return pending;
}

/** The rotations in progress, from the answers of the nodes' own hosts and of their neighbours. */
export function pendingKeys(plan: Plan, answers: HostAnswers): PendingKey[] {
  return plan.nodes.flatMap((node) => {
    const { nextPublicKey } = node;
    if (nextPublicKey === null) return [];
    const waitsFor = neighboursOf(node, plan).flatMap((neighbour) =>
      missingHandshake({ node, neighbour, next: nextPublicKey }, plan.network.interface, answers),
    );
    return [{ node: node.name, nextPublicKey, waitsFor: unique(waitsFor) }];
  });
}

function hostsToQuery(plan: Plan): NodePlan[] {
  const rotating = plan.nodes.filter((node) => node.nextPublicKey !== null);
  const names = new Set(
    rotating.flatMap((node) => [node.name, ...neighboursOf(node, plan).map(({ name }) => name)]),
  );
  return plan.nodes.filter((node) => names.has(node.name) && node.hosts.length > 0);
}

function neighboursOf(node: NodePlan, { links, nodes }: Plan): NodePlan[] {
  const names = links.flatMap(({ a, b }) => (a === node.name ? [b] : b === node.name ? [a] : []));
  return nodes.filter(({ name }) => names.includes(name));
}

/** A rotating node with its next key, and one of its neighbours. */
interface RotatingLink {
  node: NodePlan;
  neighbour: NodePlan;
  next: string;
}

/**
 * A pushed neighbour's own host reports the handshake with the new key. For a device, the rotating node's host does (a relay: on
 * its second interface); if that host cannot be queried, the device is left out.
 */
function missingHandshake(
  { node, neighbour, next }: RotatingLink,
  device: string,
  answers: HostAnswers,
): WaitingNeighbour[] {
  if (neighbour.hosts.length > 0) {
    const answer = answers.get(neighbour.name);
    if (answer?.reachable !== true) return [{ node: neighbour.name, why: "unreached" }];
    const { observed } = answer;
    const peers = [...runningPeers(observed, device), ...secondPeers(observed)];
    if (hasHandshake(peers, [next])) return [];
    // A rotating device gets its new key by hand, with its new config.
    if (node.hosts.length === 0) return [{ node: node.name, why: "handOver" }];
    return [{ node: neighbour.name, why: "silent" }];
  }
  const answer = answers.get(node.name);
  if (answer?.reachable !== true) return [];
  const { observed } = answer;
  const served = node.kind === "relay" ? secondPeers(observed) : runningPeers(observed, device);
  const isProven = hasHandshake(served, publicKeysOf(neighbour));
  return isProven ? [] : [{ node: neighbour.name, why: "handOver" }];
}

function hasHandshake(peers: readonly WireGuardPeer[], keys: readonly string[]): boolean {
  return peers.some(
    ({ publicKey, latestHandshake }) => keys.includes(publicKey) && latestHandshake > 0,
  );
}

function unique(waiting: WaitingNeighbour[]): WaitingNeighbour[] {
  return [...new Map(waiting.map((one) => [`${one.node} ${one.why}`, one])).values()];
}
