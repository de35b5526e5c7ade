/** What the stack's outputs say: facts by name, in clear. docs/config.md describes them. */
import * as pulumi from "@pulumi/pulumi";
import { formatEndpoint } from "../mesh/config/config";
import type { NodePlan, Plan } from "../mesh/plan/plan";
import { movesToNext } from "../mesh/plan/rotation";
import { fingerprintOf, needingConfig } from "../mesh/render/delivery";
import { withFacts, type RelayInstances } from "./relay-instances";

/** The facts of a node that others may need. */
export interface NodeFacts {
  address: string;
  address6?: string;
  publicKey: string;
  /** The key that it is moving to. */
  nextPublicKey?: string;
  /** Of the file of a node that is not pushed to: 16 hex digits, and another one whenever it has to be handed over anew. */
  fingerprint?: pulumi.Input<string>;
  endpoint?: pulumi.Input<string>;
  /** Of a relay that the program makes on EC2. */
  instance?: pulumi.Input<{ id: string; address: string }>;
}

/** A node between two keys: who still has the former one works, until the rotation is finished. */
export interface PendingFacts {
  publicKey: string;
  nextPublicKey: string;
  /** Which of them the node itself is told to have. */
  has: "current" | "next";
  /** The command that brings it to its end, when nobody is missing any more. */
  finish: string;
}

export type Fingerprints = pulumi.Output<Record<string, string>>;

/** No secret any more, though made of one. */
export function fingerprintsOf(configs: pulumi.Output<Record<string, string>>): Fingerprints {
  const fingerprints = configs.apply((files) =>
    Object.fromEntries(Object.entries(files).map(([name, file]) => [name, fingerprintOf(file)])),
  );
  return pulumi.unsecret(fingerprints);
}

export function pendingByName({ nodes }: Plan): Record<string, PendingFacts> {
  return Object.fromEntries(
    nodes.flatMap((node) => {
      const { name, publicKey, nextPublicKey } = node;
      if (nextPublicKey === null) return [];
      const has = movesToNext(node) ? ("next" as const) : ("current" as const);
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
  return {
    address: node.address.text,
    ...(node.address6 === null ? {} : { address6: node.address6.text }),
    publicKey: node.publicKey,
    ...(node.nextPublicKey === null ? {} : { nextPublicKey: node.nextPublicKey }),
    ...(node.hosts.length > 0
      ? {}
      : { fingerprint: fingerprints.apply((files) => files[node.name] ?? "") }),
    ...(node.endpoint === null
      ? {}
      : { endpoint: withFacts(formatEndpoint(node.endpoint), instances) }),
    ...(instance === undefined
      ? {}
      : { instance: pulumi.output({ id: instance.instanceId, address: instance.address }) }),
  };
}
