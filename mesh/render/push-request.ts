/** Builds the push request of one host; mesh/push-request.ts describes its format. */
import { addressIn } from "../addresses";
import { hostTargets, machineId, otherJumps } from "../plan/host-targets";
import { jumpRelays } from "../plan/jump-relays";
import { namesKnownBy, servesNames } from "../plan/names";
import type { NodePlan, Plan } from "../plan/plan";
import { firstAddressPlaceholder, instancePlaceholder, isPlaceholder } from "../placeholders";
import { interfaceKey } from "../plan/rotation";
import { exitCheckAddresses } from "../plan/route-all";
import {
  ON_THIS_HOST,
  type HostIdentity,
  type PushRequest,
  type SshHop,
  type RotationTask,
} from "../push-request";
import { HIDDEN, Secret } from "../secret";
import { authorityOf, bootstrapKeyOf } from "../ssh-identity";
import { renderFilter } from "./filter";
import {
  renderAlternate,
  renderConfig,
  renderRedacted,
  renderRedactedAlternate,
  type Keyring,
} from "./render";
import { instanceNameOf } from "./user-data";

/** The push request as JSON text. `owner` is `PROJECT/STACK`. */
export function renderPushRequest(
  node: NodePlan,
  plan: Plan,
  keyring: Keyring,
  owner: string,
): Secret {
  const request = requestOf(node, plan, owner, {
    targets: hostTargets(node, plan, authorityKeyOf(keyring)),
    otherJumps: otherJumps(node, plan, authorityKeyOf(keyring)),
    sshPrivateKey: keyring.sshPrivateKey?.reveal() ?? null,
    config: renderConfig(node, plan.network, keyring).reveal(),
    alternate: renderAlternate(node, plan.network, keyring)?.reveal() ?? null,
    identity: identityOf(node, keyring),
  });
  return Secret.of(JSON.stringify(request));
}

/**
 * The push request without secrets and logins, for comparison with a host (mesh/host/wanted.ts). Private keys are given by their
 * public keys, as for a key that is only on the host; preshared keys are `(hidden)`. It cannot be pushed.
 */
export function requestWithoutSecrets(node: NodePlan, plan: Plan, owner: string): PushRequest {
  const alternate = renderRedactedAlternate(node, plan.network);
  return requestOf(node, plan, owner, {
    targets: [],
    otherJumps: [],
    sshPrivateKey: null,
    config: withPublicKey(renderRedacted(node, plan.network), interfaceKey(node)),
    alternate:
      alternate === null ? null : withPublicKey(alternate, node.alternate?.publicKey ?? ""),
    identity: null,
  });
}

/** The fields with secrets. */
interface SecretParts extends Pick<
  PushRequest,
  "targets" | "sshPrivateKey" | "config" | "identity"
> {
  otherJumps: SshHop[];
  /** The file of the second interface. */
  alternate: string | null;
}

/** The order of fields is that of the JSON text. Another order would be a change, and the engine would push again. */
function requestOf(
  node: NodePlan,
  plan: Plan,
  owner: string,
  { targets, otherJumps, sshPrivateKey, config, alternate, identity }: SecretParts,
): PushRequest {
  const filter = renderFilter(node, plan.network);
  return {
    version: 1,
    node: node.name,
    targets,
    sshPrivateKey,
    owner,
    machine: machineId(node),
    ...rivalsOf(node, plan),
    interface: plan.network.interface,
    config,
    forwarding: node.forwarding,
    probes: node.probes,
    instances: neighbourInstances(node, plan),
    ...(node.fixedPorts.length === 0 ? {} : { fixedPorts: node.fixedPorts }),
    ...(node.kind === "relay" && node.fixedPorts.length > 0 ? { besideRelays: true as const } : {}),
    ...(filter === null ? {} : { filter, ...onlyWithFilter(node, plan) }),
    ...mustAnswer(node, plan),
    ...namesFor(node, plan),
    ...(node.tunnelOnly.length === 0 ? {} : { tunnelOnly: node.tunnelOnly }),
    ...(otherJumps.length === 0 ? {} : { otherJumps }),
    ...(hasNamedEndpoint(node) ? { followNames: true as const } : {}),
    identity,
    rotation: rotationTask(node, alternate),
  };
}

function mustAnswer(node: NodePlan, plan: Plan): Pick<PushRequest, "mustAnswer"> {
  const addresses = exitCheckAddresses(node, plan.nodes);
  return addresses.length === 0 ? {} : { mustAnswer: addresses };
}

/** All peers that are not relays; relays check forwarded packets themselves. */
function onlyWithFilter(node: NodePlan, plan: Plan): Pick<PushRequest, "onlyWithFilter"> {
  if (jumpRelays(node).length === 0) return {};
  const relays = plan.nodes.flatMap(({ kind, name }) => (kind === "relay" ? [name] : []));
  const others = node.sections.filter(({ name }) => !relays.includes(name));
  return { onlyWithFilter: others.map(({ publicKey }) => publicKey) };
}

function withPublicKey(text: string, publicKey: string): string {
  return text.replace(`PrivateKey = ${HIDDEN}`, `PrivateKey = ${ON_THIS_HOST} ${publicKey}`);
}

/** Other nodes with the same host keys: the same machine under another name, or a clone. */
function rivalsOf(node: NodePlan, plan: Plan): Pick<PushRequest, "rivals"> {
  const machine = machineId(node);
  const rivals = plan.nodes
    .filter((other) => other !== node && other.hosts.length > 0 && machineId(other) === machine)
    .map(({ name }) => name);
  return rivals.length === 0 ? {} : { rivals };
}

/** Empty in a network without a domain. */
export function namesFor(node: NodePlan, plan: Plan): Pick<PushRequest, "names"> {
  const { domain } = plan.network;
  if (domain === undefined) return {};
  const nodes = namesKnownBy(node, plan.nodes);
  return { names: { domain, nodes, serves: servesNames(node.kind, node.hosts.length > 0) } };
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

/** Whether it dials a neighbour by its DNS name. */
function hasNamedEndpoint({ sections }: NodePlan): boolean {
  return sections.some(({ endpoint }) => {
    const host = endpoint?.slice(0, endpoint.lastIndexOf(":")).replace(/^\[|\]$/g, "");
    return host !== undefined && !isPlaceholder(host) && addressIn(host) === null;
  });
}

/** Null unless the node is an ec2 relay, whose instance needs an SSH identity first. */
function identityOf({ name, ec2 }: NodePlan, { sshAuthoritySeed }: Keyring): HostIdentity | null {
  if (ec2 === null) return null;
  if (sshAuthoritySeed === null) throw new Error("no seed for the SSH authority");
  return {
    authorityKey: authorityOf(sshAuthoritySeed).privateKey.reveal(),
    bootstrapHostKey: bootstrapKeyOf(sshAuthoritySeed, instanceNameOf(name, ec2)).publicKey,
    firstAddress: firstAddressPlaceholder(name),
  };
}

function rotationTask(
  { rotation, alternate }: NodePlan,
  config: string | null,
): RotationTask | null {
  if (rotation === null) return null;
  return {
    ...rotation,
    alternate:
      alternate === null || config === null ? null : { interface: alternate.interface, config },
  };
}
