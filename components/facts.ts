/** The stack's outputs that are not secret, by name; docs/json.md describes them. */
import * as pulumi from "@pulumi/pulumi";
import { formatEndpoint } from "../mesh/config/config";
import type { NodePlan, Plan } from "../mesh/plan/plan";
import { holdsNextKey } from "../mesh/plan/rotation";
import { fingerprintOf, needingConfig } from "../mesh/render/delivery";
import { withFacts, type RelayInstances } from "./relay-instances";

/** Public facts about a node. */
export interface NodeFacts {
  address: string;
  address6?: string;
  publicKey: string;
  /** Only while a rotation is in progress. */
  nextPublicKey?: string;
  /** Only for a node without a host: 16 hex digits that change whenever its config must be delivered again. */
  fingerprint?: pulumi.Input<string>;
  endpoint?: pulumi.Input<string>;
  /** Only for an ec2 relay. */
  instance?: pulumi.Input<{ id: string; address: string }>;
}

/** A node with a rotation in progress: both keys work until it is finished. */
export interface PendingFacts {
  publicKey: string;
  nextPublicKey: string;
  /** The key that the node itself uses, according to the config. */
  has: "current" | "next";
  /** The command that finishes the rotation. */
  finish: string;
}

/** The wg-quick files of nodes without a host, by name, with their secrets. */
export type Files = Record<string, pulumi.Input<string>>;

/** By node. Not secret, although derived from secret files. */
export type Fingerprints = Record<string, pulumi.Input<string>>;

/** Plain text unless a file depends on an ec2 relay, because outputs take most of the time in a large network. */
export function fingerprintsOf(files: Files): Fingerprints {
  return Object.fromEntries(
    Object.entries(files).map(([name, file]) => [
      name,
      typeof file === "string" ? fingerprintOf(file) : pulumi.output(file).apply(fingerprintOf),
    ]),
  );
}

export function pendingByName({ nodes }: Plan): Record<string, PendingFacts> {
  return Object.fromEntries(
    nodes.flatMap((node) => {
      const { name, publicKey, nextPublicKey } = node;
      if (nextPublicKey === null) return [];
      const has = holdsNextKey(node) ? ("next" as const) : ("current" as const);
      const finish = `npx wireguard-mesh rotate ${name}`;
      return [[name, { publicKey, nextPublicKey, has, finish }] as const];
    }),
  );
}

export function outdatedByName(
  plan: Plan,
  delivered: unknown,
  files: Record<string, string>,
): Record<string, string[]> {
  const outdated = needingConfig(plan, delivered, new Map(Object.entries(files)));
  return Object.fromEntries(outdated.map(({ node, why }) => [node, why]));
}

export function factsByName(
  nodes: NodePlan[],
  instances: RelayInstances,
  fingerprints: Fingerprints,
): Record<string, NodeFacts> {
  return Object.fromEntries(
    nodes.map((node) => [node.name, factsOf(node, instances, fingerprints)]),
  );
}

function factsOf(node: NodePlan, instances: RelayInstances, fingerprints: Fingerprints): NodeFacts {
  const instance = instances.get(node.name);
  const fingerprint = Object.hasOwn(fingerprints, node.name) ? fingerprints[node.name] : undefined;
  return {
    address: node.address.text,
    ...(node.address6 === null ? {} : { address6: node.address6.text }),
    publicKey: node.publicKey,
    ...(node.nextPublicKey === null ? {} : { nextPublicKey: node.nextPublicKey }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(node.endpoint === null
      ? {}
      : { endpoint: withFacts(formatEndpoint(node.endpoint), instances) }),
    ...(instance === undefined
      ? {}
      : { instance: pulumi.output({ id: instance.instanceId, address: instance.address }) }),
  };
}
