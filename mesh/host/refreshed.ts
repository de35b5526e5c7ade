/** Updates the handshakes, endpoints and counters of an observation. */
import type { Observation } from "./observation";
import { parseWireGuard, type WireGuardDevice } from "./wireguard-state";

/** `sections`: the host program's output for `look`: its clock and interfaces. */
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

/** Keeps the known states of preshared keys, which `look` does not compare. */
function withPsk(device: WireGuardDevice, last: Observation, name: string): WireGuardDevice {
  const known = last.devices.get(name)?.peers;
  const peers = [...device.peers].map(([key, peer]) => {
    const presharedKey = known?.get(key)?.presharedKey ?? peer.presharedKey;
    return [key, { ...peer, presharedKey }] as const;
  });
  return { ...device, peers: new Map(peers) };
}
