/** Puts together what one host is told; see mesh/push-request.ts for its form. */
import { hostTargets, machineId } from "../plan/host-targets";
import type { NodePlan, Plan } from "../plan/plan";
import { instancePlaceholder } from "../placeholders";
import type { HostIdentity, PushRequest, RotationTask } from "../push-request";
import { Secret } from "../secret";
import { authorityOf, bootstrapKeyOf } from "../ssh-identity";
import { renderAlternate, renderConfig, type Keyring } from "./render";
import { instanceNameOf } from "./user-data";

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
    targets: hostTargets(node, plan, authorityKeyOf(keyring)),
    sshPrivateKey: keyring.sshPrivateKey?.reveal() ?? null,
    owner,
    machine: machineId(node),
    ...rivalsOf(node, plan),
    interface: plan.network.interface,
    config: renderConfig(node, plan.network, keyring).reveal(),
    forwarding: node.forwarding,
    probes: node.probes,
    instances: instancesBeside(node, plan),
    identity: identityOf(node, keyring),
    rotation: rotationTask(node, plan, keyring),
  };
  return Secret.of(JSON.stringify(request));
}

/** By the same host keys; one machine may stand under two names by mistake, or a clone have its original's keys. */
function rivalsOf(node: NodePlan, plan: Plan): Pick<PushRequest, "rivals"> {
  const machine = machineId(node);
  const rivals = plan.nodes
    .filter((other) => other !== node && other.hosts.length > 0 && machineId(other) === machine)
    .map(({ name }) => name);
  return rivals.length === 0 ? {} : { rivals };
}

/** The public half of the stack's SSH authority, a fact; null where the stack has none. */
export function authorityKeyOf({ sshAuthoritySeed }: Keyring): string | null {
  return sshAuthoritySeed === null ? null : authorityOf(sshAuthoritySeed).publicKey;
}

/** Also what makes a push to a peer change, and so run, when a relay of its has been replaced. */
function instancesBeside(node: NodePlan, plan: Plan): string[] {
  const made = new Set(plan.nodes.flatMap(({ name, ec2 }) => (ec2 === null ? [] : [name])));
  return node.sections
    .filter(({ name }) => made.has(name))
    .map(({ name, publicKey }) => `${instancePlaceholder(name)}:${publicKey}`);
}

/** Only for an instance that the program made: it has to be given an identity first. */
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
