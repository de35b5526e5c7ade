/** The whole network: relays first, then the peers that go through them. */
import * as pulumi from "@pulumi/pulumi";
import { machineId } from "../mesh/plan/host-targets";
import { jumpRelays } from "../mesh/plan/jump-relays";
import type { NodePlan, Plan } from "../mesh/plan/plan";
import { tellsOfItsKey } from "../mesh/plan/rotation";
import { reachabilityOf, type Reachability } from "../mesh/plan/reach";
import { authorityKeyOf, renderPushRequest } from "../mesh/render/push-request";
import {
  renderConfig,
  renderRedacted,
  renderRedactedAlternate,
  type Keyring,
} from "../mesh/render/render";
import type { Secret } from "../mesh/secret";
import {
  factsByName,
  fingerprintsOf,
  outdatedByName,
  pendingByName,
  type NodeFacts,
  type PendingFacts,
} from "./facts";
import type { HostPush, MadeMachine } from "./host-push";
import type { MeshNode, NodeArgs } from "./node";
import { Peer } from "./peer";
import { Relay } from "./relay";
import { registerInstances, withFacts, type RelayInstances } from "./relay-instances";

export interface NetworkArgs {
  plan: Plan;
  keyring: Keyring;
  /** `PROJECT/STACK`: the mark that keeps two stacks from fighting over one host. */
  owner: string;
  /** What each device without a host was given last: the record in the config, as it was found there. */
  delivered: unknown;
}

export class Network extends pulumi.ComponentResource {
  readonly relays: Record<string, NodeFacts>;
  readonly peers: Record<string, NodeFacts>;
  /** The nodes between two keys, by name. */
  readonly pending: Record<string, PendingFacts>;
  /** Why a node that is not pushed to needs its config, by name; those that have the right one are left out. */
  readonly outdated: pulumi.Output<Record<string, string[]>>;
  readonly reachability: Reachability;
  /** The public key of the authority that vouches for ec2 relays; undefined in a network without one. */
  readonly sshAuthority: string | undefined;
  /** wg-quick files by node, for those that are not pushed to. Secret. */
  readonly configs: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    const reachability = reachabilityOf(args.plan);
    super(
      "wireguard-mesh:index:Network",
      name,
      { ...reachability, links: linkLines(args.plan) },
      opts,
    );
    const relayPlans = args.plan.nodes.filter((node) => node.kind === "relay");
    const peerPlans = args.plan.nodes.filter((node) => node.kind === "peer");
    const children = { parent: this };
    const instances = registerInstances(args, children);
    const nodes = registerNodes(relayPlans, peerPlans, { ...args, instances }, children);
    this.configs = handedOver(nodes);
    const fingerprints = fingerprintsOf(this.configs);
    this.relays = factsByName(relayPlans, instances, fingerprints);
    this.peers = factsByName(peerPlans, instances, fingerprints);
    this.pending = pendingByName(args.plan);
    this.outdated = fingerprints.apply((files) => outdatedByName(args.plan, args.delivered, files));
    this.sshAuthority =
      instances.size === 0 ? undefined : (authorityKeyOf(args.keyring) ?? undefined);
    this.reachability = reachability;
    this.registerOutputs({});
  }
}

interface NodesArgs extends NetworkArgs {
  instances: RelayInstances;
}

/** Relays first: what a peer waits for must be there. */
function registerNodes(
  relays: NodePlan[],
  peers: NodePlan[],
  args: NodesArgs,
  opts: pulumi.ComponentResourceOptions,
): Map<string, MeshNode> {
  const nodes = new Map<string, MeshNode>();
  for (const plan of [...changing(direct(relays)), ...behind(relays)]) {
    const second = relays.filter((relay) => relay.rotationPort !== null).map(({ name }) => name);
    const after = pushesOf([...jumpRelays(plan), ...second], nodes);
    nodes.set(plan.name, new Relay(plan.name, nodeArgs(plan, args, after), opts));
  }
  // A peer takes its next key only when those who dial it know that one too: they are no relays, which keep two.
  for (const plan of [...peers].sort(
    (a, b) => Number(tellsOfItsKey(a)) - Number(tellsOfItsKey(b)),
  )) {
    const linked = plan.sections.map((section) => section.name);
    const before = tellsOfItsKey(plan) ? linked : linkedRelays(plan, nodes);
    const after = pushesOf([...before, ...jumpRelays(plan)], nodes);
    nodes.set(plan.name, new Peer(plan.name, nodeArgs(plan, args, after), opts));
  }
  return nodes;
}

function linkedRelays(plan: NodePlan, nodes: ReadonlyMap<string, MeshNode>): string[] {
  const names = plan.sections.map((section) => section.name);
  return names.filter((name) => nodes.get(name) instanceof Relay);
}

/** Of the nodes that are pushed to; a relay that is not is nobody's to wait for. */
function pushesOf(names: string[], nodes: ReadonlyMap<string, MeshNode>): HostPush[] {
  return [...new Set(names)].flatMap((name) => nodes.get(name)?.push ?? []);
}

/** First the relays with a second interface: the others speak to them by the key, or at the port, that they get now. */
function changing(relays: NodePlan[]): NodePlan[] {
  return [...relays].sort(
    (a, b) => Number(b.rotationPort !== null) - Number(a.rotationPort !== null),
  );
}

function direct(relays: NodePlan[]): NodePlan[] {
  return relays.filter((relay) => jumpRelays(relay).length === 0);
}

function behind(relays: NodePlan[]): NodePlan[] {
  return relays.filter((relay) => jumpRelays(relay).length > 0);
}

function nodeArgs(
  node: NodePlan,
  { plan, keyring, owner, instances }: NodesArgs,
  after: HostPush[],
): NodeArgs {
  const alternate = renderRedactedAlternate(node, plan.network);
  const reviewed = {
    config: renderRedacted(node, plan.network),
    ...(alternate === null ? {} : { alternate }),
    forwarding: forwardingOf(node),
  };
  const filled = (secret: Secret) => pulumi.secret(withFacts(secret.reveal(), instances));
  if (node.hosts.length === 0)
    return { ...reviewed, file: filled(renderConfig(node, plan.network, keyring)) };
  const request = filled(renderPushRequest(node, plan, keyring, owner));
  const machine = withFacts(machineId(node), instances);
  return { ...reviewed, push: { request, machine, after, ...madeFor(node, instances) } };
}

function madeFor({ name }: NodePlan, instances: RelayInstances): { made?: MadeMachine } {
  const instance = instances.get(name);
  if (instance === undefined) return {};
  return { made: { machine: instance.instance, ready: instance.association } };
}

function forwardingOf({ forwarding }: NodePlan): string {
  const families = [...(forwarding.ipv4 ? ["IPv4"] : []), ...(forwarding.ipv6 ? ["IPv6"] : [])];
  return families.length === 0 ? "none" : families.join(" and ");
}

/** One line a link, so that a preview shows the links that come and go as a line diff. */
function linkLines(plan: Plan): string {
  return plan.links.map((link) => `${link.a} - ${link.b}\n`).join("");
}

function handedOver(nodes: Map<string, MeshNode>): pulumi.Output<Record<string, string>> {
  const files = [...nodes].flatMap(([name, node]) =>
    node.file === null ? [] : [[name, node.file] as const],
  );
  return pulumi.secret(pulumi.all(Object.fromEntries(files)));
}
