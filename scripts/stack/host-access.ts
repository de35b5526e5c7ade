/** How to log in to the hosts of a stack. */
import { isMap } from "../../mesh/config/shape-issues";
import { hostTargets, machineId } from "../../mesh/plan/host-targets";
import { sshTargets } from "../../mesh/plan/ssh-targets";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import type { HostAccess } from "../../mesh/push-request";
import {
  fillFacts,
  relaysWithPlaceholders,
  type InstanceFacts,
} from "../../mesh/render/known-facts";
import type { Secret } from "../../mesh/secret";
import type { Marks } from "../push/own-key";
import { PushError } from "../push/push-error";
import type { OpenStack } from "./open-stack";
import type { Outputs } from "./outputs";
import { shortName, type StackRef } from "./project";

export interface Access {
  plan: Plan;
  /** `PROJECT/STACK`, the mark on every host. */
  owner: string;
  /** Null: the user's own SSH agent and keys are used. */
  sshPrivateKey: Secret | null;
  instances: Instances;
}

/** The EC2 instances of relays, as of the last `up`. */
interface Instances {
  /** By the relay's name; a relay without an instance yet is absent. */
  facts: InstanceFacts;
  /** The public key of the SSH authority that signs their host keys; null before the first `up`. */
  authorityKey: string | null;
}

export const NO_INSTANCES: Instances = { facts: {}, authorityKey: null };

/** `plan` replaces the stack's plan, e.g. for an edit that is not written yet. */
export async function openAccess(stack: OpenStack, plan?: Plan): Promise<Access> {
  // In parallel, since each runs the engine.
  const [planned, sshPrivateKey] = await Promise.all([plan ?? stack.plan(), stack.sshPrivateKey()]);
  return { ...(await openOwnKeyAccess(stack, planned)), sshPrivateKey };
}

/** Like openAccess, but with the user's own SSH agent and keys. Runs the engine only in a network with an ec2 relay. */
export async function openOwnKeyAccess(stack: OpenStack, planned: Plan): Promise<Access> {
  const onEc2 = planned.nodes.some((node) => node.ec2 !== null);
  return {
    plan: planned,
    owner: ownerOf(stack),
    sshPrivateKey: null,
    instances: onEc2 ? instancesIn(await stack.outputs()) : NO_INSTANCES,
  };
}

/**
 * How to log in to the host of one node, and the marks that identify this node's files there.
 * @throws PushError when the host or its jump host is an EC2 instance that does not exist yet.
 */
export function hostAccess(node: NodePlan, access: Access): HostAccess & Marks {
  const { plan, instances, owner } = access;
  // Before the first `up` there is no authority key, but no instance either, so the next line throws.
  const targets = hostTargets(node, plan, instances.authorityKey ?? "");
  return {
    node: node.name,
    targets: withInstances(node.name, targets, instances),
    sshPrivateKey: access.sshPrivateKey?.reveal() ?? null,
    interface: plan.network.interface,
    owner,
    machine: withInstances(node.name, machineId(node), instances),
  };
}

/**
 * How `ssh` logs in to the host of one node, without targets through a relay whose EC2 instance does not exist yet.
 * @throws PushError when no target is left.
 */
export function interactiveAccess(node: NodePlan, access: Access, isInside: boolean): HostAccess {
  const { plan, instances } = access;
  const ways = sshTargets(node, plan, instances.authorityKey ?? "", isInside);
  const isKnown = (way: unknown): boolean =>
    relaysWithPlaceholders(JSON.stringify(way)).every((relay) =>
      Object.hasOwn(instances.facts, relay),
    );
  const known = ways.filter(isKnown);
  return {
    node: node.name,
    targets: withInstances(node.name, known.length === 0 ? ways : known, instances),
    sshPrivateKey: access.sshPrivateKey?.reveal() ?? null,
  };
}

export function instancesIn(outputs: Outputs): Instances {
  const { relays, sshAuthority } = outputs;
  const entries = Object.entries(isMap(relays) ? relays : {}).flatMap(([name, relay]) => {
    const instance = isMap(relay) ? relay["instance"] : undefined;
    if (!isMap(instance)) return [];
    const { id, address } = instance;
    if (typeof id !== "string" || typeof address !== "string") return [];
    return [[name, { instanceId: id, address }] as const];
  });
  return {
    facts: Object.fromEntries(entries),
    authorityKey: typeof sshAuthority === "string" ? sshAuthority : null,
  };
}

/** The value with its placeholders replaced by the facts of the instances. */
function withInstances<T>(node: string, value: T, { facts }: Instances): T {
  const text = JSON.stringify(value);
  const [missing] = relaysWithPlaceholders(text).filter((relay) => !Object.hasOwn(facts, relay));
  if (missing === undefined) return JSON.parse(fillFacts(text, facts)) as T;
  const whose = missing === node ? "its EC2 instance" : `the EC2 instance of its relay ${missing}`;
  throw new PushError(`${node}: ${whose} does not exist yet. To create it: npx wireguard-mesh up`);
}

function ownerOf({ project, name }: StackRef): string {
  return `${project.name}/${shortName(name)}`;
}
