/** Puts together what one host is told; see mesh/push-request.ts for its form. */
import { hostTargets, machineOf } from "../plan/host-targets";
import type { NodePlan, Plan } from "../plan/plan";
import type { PushRequest } from "../push-request";
import { Secret } from "../secret";
import { renderConfig, type Keyring } from "./render";

/** `owner` is `PROJECT/STACK`. The result is JSON text, secret as a whole. */
export function renderPushRequest(
  node: NodePlan,
  plan: Plan,
  keyring: Keyring,
  owner: string,
): Secret {
  const request: PushRequest = {
    version: 1,
    node: node.name,
    targets: hostTargets(node, plan),
    sshPrivateKey: keyring.sshPrivateKey?.reveal() ?? null,
    owner,
    machine: machineOf(node),
    interface: plan.network.interface,
    config: renderConfig(node, plan.network, keyring).reveal(),
    forwarding: node.forwarding,
    probes: node.probes,
    identity: null,
  };
  return Secret.of(JSON.stringify(request));
}
