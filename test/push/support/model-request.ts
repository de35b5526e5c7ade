/** Push requests for the model host of test/mesh/host. */
import type { PushRequest } from "../../../mesh/push-request";
import { requestOf, type NeighbourDraw, type RequestDraw } from "../../mesh/host/support/requests";

/** It is dialled, and has a LAN behind it. */
export const NEIGHBOUR: NeighbourDraw = {
  at: 0,
  lans: [0],
  endpoint: "198.51.100.1:51820",
  keepalive: 25,
  presharedKey: 0,
  keys: "current",
  mustShake: false,
  expires: null,
};

/** The request of a small host with one neighbour, named peer0, with `edits`. */
export function requestWith(edits: Partial<RequestDraw>): PushRequest {
  return requestOf({
    ownKey: 22,
    onHost: false,
    address: "10.86.0.1/24",
    ipv6: false,
    port: 51820,
    mtu: 1400,
    neighbours: [NEIGHBOUR],
    forwarding: { ipv4: true, ipv6: false },
    instance: null,
    second: null,
    filter: null,
    names: null,
    serves: false,
    followNames: false,
    besideRelays: false,
    sendsAll: null,
    ...edits,
  });
}
