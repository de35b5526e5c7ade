/** An observation, with what changes by itself as it is now: handshakes, endpoints and counters. */
import type { Observation } from "./observation";
import { parseWireGuard, type WireGuardDevice } from "./wireguard-state";

/** `sections`: what the host's program prints for `look`: its clock, and its interfaces as in an observation. */
export function refreshed(
  last: Observation,
  sections: ReadonlyMap<string, readonly string[]>,
): Observation {
  const now = Number(sections.get("now")?.[0]);
  const devices = parseWireGuard(sections.get("wg") ?? []);
  return {
    ...last,
    now: Number.isSafeInteger(now) ? now : null,
    devices: new Map([...devices].map(([name, device]) => [name, withPsk(device, last, name)])),
  };
}

/** A look compares no preshared keys: what is known of them stays. */
function withPsk(device: WireGuardDevice, last: Observation, name: string): WireGuardDevice {
  const known = last.devices.get(name)?.peers;
  const peers = [...device.peers].map(([key, peer]) => {
    const presharedKey = known?.get(key)?.presharedKey ?? peer.presharedKey;
    return [key, { ...peer, presharedKey }] as const;
  });
  return { ...device, peers: new Map(peers) };
}
