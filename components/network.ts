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
  type Files,
  type NodeFacts,
  type PendingFacts,
} from "./facts";
import type { NodeArgs, PreviewInputs } from "./node";
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
  /** A picture of the network as Mermaid text; undefined for a large network. */
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
    registerNodes(relayPlans, peerPlans, { ...args, instances }, children);
    const files = filesOf(args, instances);
    const fingerprints = fingerprintsOf(files);
    this.configs = pulumi.secret(pulumi.all(files));
    this.relays = factsByName(relayPlans, instances, fingerprints);
    this.peers = factsByName(peerPlans, instances, fingerprints);
    this.pending = pendingByName(args.plan);
    this.outdated = pulumi
      .all(fingerprints)
      .apply((known) => outdatedByName(args.plan, args.delivered, known));
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
): void {
  const ready: Ready = new Map();
  for (const plan of [...secondInterfaceFirst(direct(relays)), ...indirect(relays)]) {
    const after = readyOf(pushedBefore(plan, relays), ready);
    const relay = new Relay(plan.name, nodeArgs(plan, args, after), opts);
    if (relay.push === null) continue;
    const association = args.instances.get(plan.name)?.associate(plan.name, relay.push);
    ready.set(plan.name, association === undefined ? [relay.push] : [relay.push, association]);
  }
  // Peers that switch to their next key come last, because they depend on the pushes of their neighbours.
  for (const plan of [...peers].sort((a, b) => Number(announcesKey(a)) - Number(announcesKey(b)))) {
    const after = readyOf(pushedBefore(plan, relays), ready);
    const peer = new Peer(plan.name, nodeArgs(plan, args, after), opts);
    if (peer.push !== null) ready.set(plan.name, [peer.push]);
  }
}

/** By name, the resources after which a node is pushed to and answers at its endpoint; nodes without a host are absent. */
type Ready = Map<string, pulumi.Resource[]>;

function readyOf(names: string[], ready: Ready): pulumi.Resource[] {
  return names.flatMap((name) => ready.get(name) ?? []);
}

/** Relays with a second interface first: other relays dial the key and the port that this push installs. */
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
  const inputs = previewInputs(node, plan.network);
  if (node.hosts.length === 0) return { inputs };
  const request = filled(renderPushRequest(node, plan, keyring, owner), instances);
  const machine = withFacts(machineId(node), instances);
  const managed = instances.get(node.name)?.instance;
  return { inputs, push: { request, machine, after, ...(managed && { managed }) } };
}

function previewInputs(node: NodePlan, network: Plan["network"]): PreviewInputs {
  const alternate = renderRedactedAlternate(node, network);
  const filter = renderFilter(node, network);
  return {
    config: renderRedacted(node, network),
    ...(alternate === null ? {} : { alternate }),
    forwarding: forwardingOf(node),
    ...(filter === null ? {} : { filter }),
  };
}

/** One line for each link, so that a preview shows added and removed links as a line diff. */
function linkLines(plan: Plan): string {
  return plan.links.map((link) => `${link.a} - ${link.b}\n`).join("");
}

function filesOf({ plan, keyring }: NetworkArgs, instances: RelayInstances): Files {
  const devices = plan.nodes.filter((node) => node.hosts.length === 0);
  return Object.fromEntries(
    devices.map((node) => [
      node.name,
      filled(renderConfig(node, plan.network, keyring), instances),
    ]),
  );
}

/** The caller must wrap it as a secret. */
function filled(secret: Secret, instances: RelayInstances): pulumi.Input<string> {
  return withFacts(secret.reveal(), instances);
}
