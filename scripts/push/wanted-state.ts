/** The digest of what a host is told to be, by which it and the stack know which state it has confirmed. */
import { createHash } from "node:crypto";
import type { PushRequest } from "../../mesh/push-request";

/** sha256 (hex) of what a host is told to be: interface, config, forwarding, rotation. Not of the way there. */
export function digestOf({ interface: name, config, forwarding, rotation }: PushRequest): string {
  const rotating = rotation === null ? [] : [rotation];
  return sha256(JSON.stringify([name, config, forwarding.ipv4, forwarding.ipv6, ...rotating]));
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
