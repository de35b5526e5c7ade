/** The peers that run on a host, with their handshakes. */
import type { Observation } from "../../mesh/host/observation";
import type { WireGuardPeer } from "../../mesh/host/wireguard-state";

/** `name`: the first interface. */
export function runningPeers({ devices }: Observation, name: string): WireGuardPeer[] {
  return [...(devices.get(name)?.peers.values() ?? [])];
}

/** Of the second interface, which serves a relay's other key on its rotation port; none if there is none. */
export function secondPeers(observed: Observation): WireGuardPeer[] {
  const { second } = observed.records;
  return second === null ? [] : runningPeers(observed, second);
}

/** Seconds since the last handshake, by the host's own clock; null: none, or unknown. */
export function handshakeAge(latestHandshake: number, { now }: Observation): number | null {
  return latestHandshake === 0 || now === null ? null : Math.max(0, now - latestHandshake);
}
