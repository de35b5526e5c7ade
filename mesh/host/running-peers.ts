/** The peers that run on a host, with their handshakes. */
import type { Node } from "../config/config";
import { publicKeysOf } from "../plan/rotation";
import type { Observation } from "./observation";
import type { WireGuardPeer } from "./wireguard-state";

/** A session is dead after this many seconds without a handshake (REJECT_AFTER_TIME of the protocol). */
export const SESSION_S = 180;

/** `name`: the first interface. */
export function runningPeers({ devices }: Observation, name: string): WireGuardPeer[] {
  return [...(devices.get(name)?.peers.values() ?? [])];
}

/** Peers of the second interface, which has a relay's other key during a rotation. */
export function secondPeers(observed: Observation): WireGuardPeer[] {
  const { second } = observed.records;
  return second === null ? [] : runningPeers(observed, second);
}

/** Peers of one neighbour, the latest handshake first. During a rotation there are several keys and interfaces. */
export function peersOfNode(node: Node, observed: Observation, name: string): WireGuardPeer[] {
  const { devices, records } = observed;
  const keys = publicKeysOf(node);
  return [name, ...(records.second === null ? [] : [records.second])]
    .flatMap((one) => keys.flatMap((key) => devices.get(one)?.peers.get(key) ?? []))
    .sort((one, other) => other.latestHandshake - one.latestHandshake);
}

/** Seconds since the last handshake, by the host's own clock; null: none, or unknown. */
export function handshakeAge(latestHandshake: number, { now }: Observation): number | null {
  return latestHandshake === 0 || now === null ? null : Math.max(0, now - latestHandshake);
}
