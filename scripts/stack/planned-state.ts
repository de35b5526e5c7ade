/** The planned state of a host, for comparison with its report. */
import { wantedOf, type Wanted } from "../../mesh/host/wanted";
import type { WantedInterface } from "../../mesh/host/wanted-interface";
import { presharedKeyOf, publicKeyOf } from "../../mesh/keys";
import type { NodePlan } from "../../mesh/plan/plan";
import type { PushRequest } from "../../mesh/push-request";
import { fillKnownFacts } from "../../mesh/render/known-facts";
import { requestWithoutSecrets } from "../../mesh/render/push-request";
import type { Secret } from "../../mesh/secret";
import type { Access } from "./host-access";

/** What the plan of a host depends on. */
export type Planned = Pick<Access, "plan" | "owner" | "instances">;

/**
 * Without secrets: private keys are replaced by their public keys, and preshared keys are sealed. `digest` is PushResult.digest,
 * which depends on the secrets, so it cannot be computed here.
 */
export function plannedState(node: NodePlan, planned: Planned, digest: string): Wanted {
  const { plan, owner, instances } = planned;
  const text = JSON.stringify(requestWithoutSecrets(node, plan, owner));
  const request = JSON.parse(fillKnownFacts(text, instances.facts)) as PushRequest;
  const { alternate } = request.rotation ?? { alternate: null };
  if (alternate !== null) alternate.config = withoutPlaceholders(alternate.config);
  return wantedOf({ ...request, config: withoutPlaceholders(request.config) }, digest, publicKeyOf);
}

/** Removes endpoints at instances that do not exist yet. */
function withoutPlaceholders(config: string): string {
  return config.replace(/^Endpoint = <.*\n/gm, "");
}

/** `wanted` with its preshared keys, so that a host can compare them with its own. */
export function withPresharedKeys(wanted: Wanted, seed: Secret): Wanted {
  const unsealed = (one: WantedInterface): WantedInterface => ({
    ...one,
    peers: one.peers.map((peer) => ({
      ...peer,
      presharedKey:
        peer.presharedKey === null ? null : presharedKeyOf(seed, one.publicKey, peer.publicKey),
    })),
  });
  const { main, second } = wanted;
  return { ...wanted, main: unsealed(main), second: second === null ? null : unsealed(second) };
}
