/** What a host reports of its tunnel to one neighbour. */
import type { Node } from "../config/config";
import type { Observation } from "../host/observation";
import { handshakeAge, peersOfNode, SESSION_S } from "../host/running-peers";
import type { WireGuardPeer } from "../host/wireguard-state";
import type { HostFacts, TunnelView } from "./facts";

/** During a rotation both keys count, on both interfaces. */
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

/** The last one that is known. */
export function latestView(facts: HostFacts, neighbour: Node): TunnelView {
  return viewOf(facts, facts.later ?? facts.observed, neighbour);
}

export function isFresh({ age }: TunnelView): boolean {
  return age !== null && age <= SESSION_S;
}

/** Bytes that came from the neighbour between the two looks; null: it was looked at once. */
export function receivedMeanwhile(facts: HostFacts, neighbour: Node): number | null {
  if (facts.later === null) return null;
  const before = viewOf(facts, facts.observed, neighbour).received;
  return viewOf(facts, facts.later, neighbour).received - before;
}
