/** Builds the push request of one host; mesh/push-request.ts describes its format. */
import { hostTargets, machineId } from "../plan/host-targets";
import type { NodePlan, Plan } from "../plan/plan";
import { instancePlaceholder } from "../placeholders";
import type { HostIdentity, PushRequest, RotationTask } from "../push-request";
import { Secret } from "../secret";
import { authorityOf, bootstrapKeyOf } from "../ssh-identity";
import { renderAlternate, renderConfig, type Keyring } from "./render";
import { instanceNameOf } from "./user-data";

/** The push request as JSON text. `owner` is `PROJECT/STACK`. */
export function renderPushRequest(
  node: NodePlan,
  plan: Plan,
  keyring: Keyring,
  owner: string,
): Secret {
  const request: PushRequest = {
    version: 1,
    node: node.name,
    targets: hostTargets(node, plan, authorityKeyOf(keyring)),
    sshPrivateKey: keyring.sshPrivateKey?.reveal() ?? null,
    owner,
    machine: machineId(node),
    ...rivalsOf(node, plan),
    interface: plan.network.interface,
    config: renderConfig(node, plan.network, keyring).reveal(),
    forwarding: node.forwarding,
    probes: node.probes,
    instances: neighbourInstances(node, plan),
    identity: identityOf(node, keyring),
    rotation: rotationTask(node, plan, keyring),
  };
  return Secret.of(JSON.stringify(request));
}

/** Nodes with the same host keys: a machine that is in the config twice, or a clone. */
function rivalsOf(node: NodePlan, plan: Plan): Pick<PushRequest, "rivals"> {
  const machine = machineId(node);
  const rivals = plan.nodes
    .filter((other) => other !== node && other.hosts.length > 0 && machineId(other) === machine)
    .map(({ name }) => name);
  return rivals.length === 0 ? {} : { rivals };
}

/** The public key of the stack's SSH authority; null if the stack has none. */
export function authorityKeyOf({ sshAuthoritySeed }: Keyring): string | null {
  return sshAuthoritySeed === null ? null : authorityOf(sshAuthoritySeed).publicKey;
}

/** Changes when a neighbour's instance is replaced, which makes the push run again. */
function neighbourInstances(node: NodePlan, plan: Plan): string[] {
  const ec2Nodes = new Set(plan.nodes.flatMap(({ name, ec2 }) => (ec2 === null ? [] : [name])));
  return node.sections
    .filter(({ name }) => ec2Nodes.has(name))
    .map(({ name, publicKey }) => `${instancePlaceholder(name)}:${publicKey}`);
}

/** Null unless the node is an ec2 relay, whose instance needs an SSH identity first. */
function identityOf({ name, ec2 }: NodePlan, { sshAuthoritySeed }: Keyring): HostIdentity | null {
  if (ec2 === null) return null;
  if (sshAuthoritySeed === null) throw new Error("no seed for the SSH authority");
  return {
    authorityKey: authorityOf(sshAuthoritySeed).privateKey.reveal(),
    bootstrapHostKey: bootstrapKeyOf(sshAuthoritySeed, instanceNameOf(name, ec2)).publicKey,
  };
}

function rotationTask(node: NodePlan, plan: Plan, keyring: Keyring): RotationTask | null {
  const { rotation, alternate } = node;
  if (rotation === null) return null;
  const config = renderAlternate(node, plan.network, keyring);
  return {
    ...rotation,
    alternate:
      alternate === null || config === null
        ? null
        : { interface: alternate.interface, config: config.reveal() },
  };
}
