/** The wanted state of a host, and its digest, which shows whether a host has confirmed it. */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { wantedOf, type Wanted } from "../../mesh/host/wanted";
import { pkcs8Of } from "../../mesh/key-text";
import type { PushRequest } from "../../mesh/push-request";
import type { Secret } from "../../mesh/secret";

/** Throws for a request that wireguard-mesh did not render. */
export function wantedState(request: PushRequest): Wanted {
  return wantedOf(request, digestOf(request), publicKeyOf);
}

/** sha256 (hex) of the wanted state: interface, config, forwarding, rotation, filter, names. The SSH ways are not included. */
export function digestOf(request: PushRequest): string {
  const { interface: name, config, forwarding, rotation, filter, names } = request;
  // Unused fields are left out, so that digests of older versions stay valid.
  const used = [
    ...(rotation === null ? [] : [rotation]),
    ...(filter === undefined ? [] : [filter]),
    ...(names === undefined ? [] : [names]),
  ];
  return sha256(JSON.stringify([name, config, forwarding.ipv4, forwarding.ipv6, ...used]));
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** As in mesh/keys.ts. Throws unless the secret holds a valid key. */
export function publicKeyOf(privateKey: Secret): string {
  const key = pkcs8Of(privateKey.reveal());
  if (key === null) throw new Error("not a WireGuard key");
  const pair = createPublicKey(
    createPrivateKey({ key: Buffer.from(key), format: "der", type: "pkcs8" }),
  );
  return pair.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
}
