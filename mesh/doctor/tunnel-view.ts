/** What a host reports about its tunnel to one neighbour. */
import type { Node } from "../config/config";
import type { Observation } from "../host/observation";
import { handshakeAge, peersOfNode, SESSION_S } from "../host/running-peers";
import type { WireGuardPeer } from "../host/wireguard-state";
import type { HostFacts, TunnelView } from "./facts";

/** During a rotation, sums up both keys on both interfaces. */
export function viewOf({ wanted }: HostFacts, observed: Observation, neighbour: Node): TunnelView {
  const seen = peersOfNode(neighbour, observed, wanted.main.name);
  const sum = (of: (peer: WireGuardPeer) => number) =>
    seen.reduce((total, peer) => total + of(peer), 0);
  return {
    age: handshakeAge(seen[0]?.latestHandshake ?? 0, observed),
    received: sum(({ receivedBytes }) => receivedBytes),
    sent: sum(({ sentBytes }) => sentBytes),
    endpoint: seen.find(({ endpoint }) => endpoint !== null)?.endpoint ?? null,
  };
}

/** The latest view of a neighbour's tunnel. */
export function latestView(facts: HostFacts, neighbour: Node): TunnelView {
  return viewOf(facts, facts.later ?? facts.observed, neighbour);
}

export function isFresh({ age }: TunnelView): boolean {
  return age !== null && age <= SESSION_S;
}

/** Bytes received from the neighbour between the two observations; null if there was only one. */
export function receivedBetween(facts: HostFacts, neighbour: Node): number | null {
  if (facts.later === null) return null;
  const before = viewOf(facts, facts.observed, neighbour).received;
  return viewOf(facts, facts.later, neighbour).received - before;
}
