/** Registers the EC2 instances of a network, and fills their facts into rendered text. */
import * as pulumi from "@pulumi/pulumi";
import { innerPrefixes } from "../mesh/config/inner-prefixes";
import type { NodePlan, Plan } from "../mesh/plan/plan";
import { relayPorts } from "../mesh/plan/rotation";
import { factsIn, fillFacts, relaysWithPlaceholders } from "../mesh/render/known-facts";
import type { Keyring } from "../mesh/render/render";
import { instanceNameOf, renderUserData } from "../mesh/render/user-data";
import type { RelayInstance } from "./relay-instance";
import type * as relayInstanceModule from "./relay-instance";

export type RelayInstances = ReadonlyMap<string, RelayInstance>;

interface InstancesArgs {
  plan: Plan;
  keyring: Keyring;
  owner: string;
}

/** The instances by relay name; empty in a network without an ec2 relay. */
export function registerInstances(
  args: InstancesArgs,
  opts: pulumi.ComponentResourceOptions,
): RelayInstances {
  return new Map(
    args.plan.nodes.flatMap((node) =>
      node.ec2 === null ? [] : [[node.name, instanceOf(node, node.ec2, args, opts)] as const],
    ),
  );
}

function instanceOf(
  node: NodePlan,
  ec2: NonNullable<NodePlan["ec2"]>,
  { plan, keyring, owner }: InstancesArgs,
  opts: pulumi.ComponentResourceOptions,
): RelayInstance {
  const { RelayInstance: Component } = loadRelayInstance();
  return new Component(
    node.name,
    {
      relay: node.name,
      ec2,
      inner: innerPrefixes(plan.nodes, plan.network),
      ports: relayPorts(node, plan.network),
      instanceName: instanceNameOf(node.name, ec2),
      userData: pulumi.secret(renderUserData(node.name, ec2, keyring).reveal()),
      tags: { Name: node.name, "wireguard-mesh": owner, ...ec2.tags },
    },
    opts,
  );
}

/** Loaded on demand: a network without an ec2 relay needs neither the AWS SDK nor credentials. */
function loadRelayInstance(): typeof relayInstanceModule {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- import() is asynchronous, registering is not
  return require("./relay-instance") as typeof relayInstanceModule;
}

/** Fills in placeholders. Returns plain text if there are none, because outputs take most of the time in a large network. */
export function withFacts(text: string, instances: RelayInstances): pulumi.Input<string> {
  const awaited = relaysWithPlaceholders(text).map((name) => {
    const instance = instances.get(name);
    if (instance === undefined) throw new Error(`no instance for ${name} was registered`);
    return [name, factsIn(text, name, instance)] as const;
  });
  if (awaited.length === 0) return text;
  return pulumi.output(Object.fromEntries(awaited)).apply((facts) => fillFacts(text, facts));
}
