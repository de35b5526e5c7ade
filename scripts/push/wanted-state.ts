/** What a host is told to be, as lines of the push protocol, and the digest by which it knows that it is so already. */
import { createHash } from "node:crypto";
import type { PushRequest, RotationTask } from "../../mesh/push-request";

/** sha256 (hex) of what a host is told to be: interface, config, forwarding, rotation. Not of the way there. */
export function digestOf({ interface: name, config, forwarding, rotation }: PushRequest): string {
  const rotating = rotation === null ? [] : [rotation];
  return sha256(JSON.stringify([name, config, forwarding.ipv4, forwarding.ipv6, ...rotating]));
}

/** By key; each value is one line. */
export function stateLines(request: PushRequest): Record<string, string | number> {
  return {
    forwarding4: request.forwarding.ipv4 ? 1 : 0,
    forwarding6: request.forwarding.ipv6 ? 1 : 0,
    probes: request.probes.join(" "),
    instances: (request.instances ?? []).join(" "),
    sha256: sha256(request.config),
    config: base64(request.config),
    ...(request.rotation === null ? {} : rotationLines(request.rotation)),
  };
}

/** Whose the prefixes are stands in the config: the host reads it there. */
function rotationLines({ pairs, alternate, mustShake }: RotationTask): Record<string, string> {
  const keys = {
    pairs: pairs.map(({ current, next }) => `${current}:${next}`).join(" "),
    shake: mustShake.join(" "),
  };
  if (alternate === null) return keys;
  return {
    ...keys,
    alternate: alternate.interface,
    "alternate-sha256": sha256(alternate.config),
    "alternate-config": base64(alternate.config),
  };
}

export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
