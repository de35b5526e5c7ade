/** A push request for tests. */
import type { PushRequest } from "../../../mesh/push-request";

export const REQUEST: PushRequest = {
  version: 1,
  node: "desktop",
  targets: [{ kind: "local" }],
  sshPrivateKey: null,
  owner: "wireguard-mesh/dev",
  machine: "local:desktop",
  interface: "wg0",
  config: "[Interface]\nPrivateKey = x\n",
  forwarding: { ipv4: true, ipv6: false },
  probes: ["10.0.0.1", "10.0.0.9"],
  identity: null,
  rotation: null,
};
