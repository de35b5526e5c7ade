/** What a host reports of its tunnel to one neighbour. */
import type { Node } from "../config/config";
import type { Observation } from "../host/observation";
import { publicKeysOf } from "../plan/rotation";
import type { HostFacts, TunnelView } from "./facts";

/** A session ends so many seconds after its handshake (REJECT_AFTER_TIME). */
const SESSION_S = 180;

/** During a rotation both keys count, on both interfaces. */
export function viewOf({ wanted }: HostFacts, observed: Observation, neighbour: Node): TunnelView {
  const keys = publicKeysOf(neighbour);
  const interfaces = [wanted.main.name, observed.records.second ?? wanted.main.name];
  const peers = [...new Set(interfaces)].flatMap((name) => [
    ...(observed.devices.get(name)?.peers.values() ?? []),
  ]);
  const seen = peers
    .filter(({ publicKey }) => keys.includes(publicKey))
    .sort((one, other) => other.latestHandshake - one.latestHandshake);
  const latest = seen[0]?.latestHandshake ?? 0;
  const sum = (of: (peer: (typeof seen)[number]) => number) =>
    seen.reduce((total, peer) => total + of(peer), 0);
  return {
    age: latest === 0 || observed.now === null ? null : Math.max(0, observed.now - latest),
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
