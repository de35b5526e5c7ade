/** The network: its relays and peers, and the outputs of the stack. */
import * as pulumi from "@pulumi/pulumi";
import { graphOutput } from "../mesh/graph/output";
import { machineId } from "../mesh/plan/host-targets";
import { jumpRelays } from "../mesh/plan/jump-relays";
import { namesText } from "../mesh/plan/names";
import type { NodePlan, Plan } from "../mesh/plan/plan";
import { announcesKey, hasSecondInterface } from "../mesh/plan/rotation";
import { pushedBefore } from "../mesh/plan/push-order";
import { reachabilityOf, type Reachability } from "../mesh/plan/reachability";
import { renderFilter } from "../mesh/render/filter";
import { authorityKeyOf, renderPushRequest } from "../mesh/render/push-request";
import { forwardingOf } from "../mesh/review/record";
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
import type { ManagedMachine } from "./host-push";
import type { MeshNode, NodeArgs } from "./node";
import { Peer } from "./peer";
import { Relay } from "./relay";
import { registerInstances, withFacts, type RelayInstances } from "./relay-instances";

interface NetworkArgs {
  plan: Plan;
  keyring: Keyring;
  /** `PROJECT/STACK`: recorded on each host, so that no other stack can take it over. */
  owner: string;
  /** The unvalidated record in the config of what was last delivered to each device. */
  delivered: unknown;
}

export class Network extends pulumi.ComponentResource {
  readonly relays: Record<string, NodeFacts>;
  readonly peers: Record<string, NodeFacts>;
  /** Nodes with a rotation in progress, by name. */
  readonly pending: Record<string, PendingFacts>;
  /** Nodes without a host that need a config, by name, with the reasons. */
  readonly outdated: pulumi.Output<Record<string, string[]>>;
  readonly reachability: Reachability;
  /** Its picture as Mermaid text; undefined for a large network. */
  readonly graph: string | undefined;
  /** Public key of the SSH authority of ec2 relays; undefined in a network without one. */
  readonly sshAuthority: string | undefined;
  /** wg-quick files of nodes without a host, by name. Secret. */
  readonly configs: pulumi.Output<Record<string, string>>;

  constructor(name: string, args: NetworkArgs, opts?: pulumi.ComponentResourceOptions) {
    const reachability = reachabilityOf(args.plan);
    const names = namesText(args.plan);
    super(
      "wireguard-mesh:index:Network",
      name,
      { ...reachability, links: linkLines(args.plan), ...(names === null ? {} : { names }) },
      opts,
    );
    const relayPlans = args.plan.nodes.filter((node) => node.kind === "relay");
    const peerPlans = args.plan.nodes.filter((node) => node.kind === "peer");
    const children = { parent: this };
    const instances = registerInstances(args, children);
    const nodes = registerNodes(relayPlans, peerPlans, { ...args, instances }, children);
    this.configs = filesOf(nodes);
    const fingerprints = fingerprintsOf(this.configs);
    this.relays = factsByName(relayPlans, instances, fingerprints);
    this.peers = factsByName(peerPlans, instances, fingerprints);
    this.pending = pendingByName(args.plan);
    this.outdated = fingerprints.apply((files) => outdatedByName(args.plan, args.delivered, files));
    this.sshAuthority =
      instances.size === 0 ? undefined : (authorityKeyOf(args.keyring) ?? undefined);
    this.reachability = reachability;
    this.graph = graphOutput(args.plan);
    this.registerOutputs({});
  }
}

interface NodesArgs extends NetworkArgs {
  instances: RelayInstances;
}

/** Relays before peers, because the push of a peer depends on the pushes of its relays. */
function registerNodes(
  relays: NodePlan[],
  peers: NodePlan[],
  args: NodesArgs,
  opts: pulumi.ComponentResourceOptions,
): Map<string, MeshNode> {
  const nodes = new Map<string, MeshNode>();
  for (const plan of [...secondInterfaceFirst(direct(relays)), ...indirect(relays)]) {
    const after = pushesOf(pushedBefore(plan, relays), nodes);
    nodes.set(plan.name, new Relay(plan.name, nodeArgs(plan, args, after), opts));
  }
  // Those that switch to their next key last, because they wait for others.
  for (const plan of [...peers].sort((a, b) => Number(announcesKey(a)) - Number(announcesKey(b)))) {
    const after = pushesOf(pushedBefore(plan, relays), nodes);
    nodes.set(plan.name, new Peer(plan.name, nodeArgs(plan, args, after), opts));
  }
  return nodes;
}

/** The pushes of the named nodes; nodes without a host have none. */
function pushesOf(names: string[], nodes: ReadonlyMap<string, MeshNode>): pulumi.Resource[] {
  return names.flatMap((name) => nodes.get(name)?.push ?? []);
}

/** Relays with a second interface first: the others dial them with the key or at the port that this push installs. */
function secondInterfaceFirst(relays: NodePlan[]): NodePlan[] {
  return [...relays].sort((a, b) => Number(hasSecondInterface(b)) - Number(hasSecondInterface(a)));
}

function direct(relays: NodePlan[]): NodePlan[] {
  return relays.filter((relay) => jumpRelays(relay).length === 0);
}

function indirect(relays: NodePlan[]): NodePlan[] {
  return relays.filter((relay) => jumpRelays(relay).length > 0);
}

function nodeArgs(
  node: NodePlan,
  { plan, keyring, owner, instances }: NodesArgs,
  after: pulumi.Resource[],
): NodeArgs {
  const alternate = renderRedactedAlternate(node, plan.network);
  const filter = renderFilter(node, plan.network);
  const shown = {
    config: renderRedacted(node, plan.network),
    ...(alternate === null ? {} : { alternate }),
    forwarding: forwardingOf(node),
    ...(filter === null ? {} : { filter }),
  };
  const filled = (secret: Secret) => pulumi.secret(withFacts(secret.reveal(), instances));
  if (node.hosts.length === 0)
    return { ...shown, file: filled(renderConfig(node, plan.network, keyring)) };
  const request = filled(renderPushRequest(node, plan, keyring, owner));
  const machine = withFacts(machineId(node), instances);
  return { ...shown, push: { request, machine, after, ...managedMachine(node, instances) } };
}

function managedMachine(
  { name }: NodePlan,
  instances: RelayInstances,
): { managed?: ManagedMachine } {
  const instance = instances.get(name);
  if (instance === undefined) return {};
  return { managed: { machine: instance.instance, ready: instance.association } };
}

/** One line for each link, so that a preview shows added and removed links as a line diff. */
function linkLines(plan: Plan): string {
  return plan.links.map((link) => `${link.a} - ${link.b}\n`).join("");
}

function filesOf(nodes: Map<string, MeshNode>): pulumi.Output<Record<string, string>> {
  const files = [...nodes].flatMap(([name, node]) =>
    node.file === null ? [] : [[name, node.file] as const],
  );
  return pulumi.secret(pulumi.all(Object.fromEntries(files)));
}
