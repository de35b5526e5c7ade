/** The model host RELAY while its peer1, which is reached only through the tunnel, moves. */
import assert from "node:assert/strict";
import { wantedOf, type Wanted } from "../../../../mesh/host/wanted";
import { publicKeyOf } from "../../../../mesh/keys";
import { peerOf } from "./examples";
import { sha256, type Host } from "./host";
import { IFACE } from "./observe";
import { currentKey, nextKey, requestOf, type RequestDraw } from "./requests";

export const CONF = `/etc/wireguard/${IFACE}.conf`;
export const ROTATION = `/var/lib/wireguard-mesh/${IFACE}/rotation`;
export const SETTLED = `/run/wireguard-mesh/${IFACE}/settled`;

/** Does what the watcher does once the peer answers at its new address. */
export function takeAway(host: Host): void {
  assert.ok(peerOf(host, 1).allowedIps.delete("10.86.0.21/32"));
}

/** A request with an edited config. `address`: of the peer; absent: as requests of older versions. */
export function wantedWith(
  draw: RequestDraw,
  edit: (text: string) => string,
  address?: string,
): Wanted {
  const request = requestOf(draw);
  const config = edit(request.config);
  const keys = [currentKey(1), nextKey(1)];
  const tunnelOnly = address === undefined ? keys : keys.map((key) => `${key} ${address}`);
  return wantedOf({ ...request, config, tunnelOnly }, sha256(config), publicKeyOf);
}
