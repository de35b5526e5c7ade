/** What a plan wants of a host, without its secrets: for status and drift, which do not have them. */
import { machineId } from "../plan/host-targets";
import type { NodePlan, Plan } from "../plan/plan";
import { interfaceKey } from "../plan/rotation";
import { fillFacts, type InstanceFacts } from "../render/known-facts";
import { hasNamedEndpoint, neighbourInstances } from "../render/push-request";
import { renderRedacted, renderRedactedAlternate } from "../render/render";
import { Secret } from "../secret";
import { parseInterface, type Wanted } from "./wanted";

/**
 * To compare with an observation, not to decide on: its secrets are sealed. `owner` is `PROJECT/STACK`, `digest` that of the
 * last push which the stack has recorded. Throws if an instance's facts are missing.
 */
export function plannedState(
  node: NodePlan,
  plan: Plan,
  { owner, digest, facts }: { owner: string; digest: string; facts: InstanceFacts },
): Wanted {
  const { network } = plan;
  const { alternate, rotation } = node;
  const fill = (text: string) => fillFacts(text, facts);
  const sealed = (publicKey: string) => ({ publicKey, privateKey: Secret.sealed() });
  const second = renderRedactedAlternate(node, network);
  return {
    owner,
    node: node.name,
    machine: fill(machineId(node)),
    rivals: [],
    digest,
    main: parseInterface(
      network.interface,
      fill(renderRedacted(node, network)),
      sealed(interfaceKey(node)),
    ),
    second:
      alternate === null || second === null
        ? null
        : parseInterface(alternate.interface, fill(second), sealed(alternate.publicKey)),
    forwarding: node.forwarding,
    probes: node.probes,
    instances: neighbourInstances(node, plan).map(fill),
    pairs: rotation?.pairs ?? [],
    mustShake: rotation?.mustShake ?? [],
    fixedPorts: node.fixedPorts,
    followNames: hasNamedEndpoint(node),
  };
}
