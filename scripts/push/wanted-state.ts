/** What a host is told to be, and the digest by which it and the stack know which state it has confirmed. */
import { createHash, createPrivateKey, createPublicKey } from "node:crypto";
import { wantedOf, type Wanted } from "../../mesh/host/wanted";
import { pkcs8Of } from "../../mesh/key-text";
import type { PushRequest } from "../../mesh/push-request";
import type { Secret } from "../../mesh/secret";

/** Throws for a request that wireguard-mesh did not render. */
export function wantedState(request: PushRequest): Wanted {
  return wantedOf(request, digestOf(request), publicKeyOf);
}

/** sha256 (hex) of what a host is told to be: interface, config, forwarding, rotation, filter, names. Not of the way there. */
export function digestOf(request: PushRequest): string {
  const { interface: name, config, forwarding, rotation, filter, names } = request;
  // What is not used is left out, so that the digests of older versions go on to hold.
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
