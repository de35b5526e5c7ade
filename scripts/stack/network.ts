/** The network of a stack as a command works with it: the plan of its file, and how to get onto its hosts. */
import { formatIssues } from "../../mesh/config/issue";
import { readMesh } from "../../mesh/mesh";
import { hostTargets, machineOf } from "../../mesh/plan/host-targets";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import type { HostAccess } from "../../mesh/push-request";
import type { Secret } from "../../mesh/secret";
import type { Marks } from "../push/host-script";
import { Failure } from "./failure";
import {
  NONE_MADE,
  readMadeInstances,
  withMadeInstances,
  type MadeInstances,
} from "./made-instances";
import type { Stack } from "./project";
import { readConfig, readStackFile } from "./stack-file";
import { readSshPrivateKey } from "./ssh-private-key";

/** The plan of the stack's file; a Failure with all mistakes where there is none. */
export function readPlan(stack: Stack): Plan {
  const { plan, issues } = readMesh(readConfig(readStackFile(stack.file), stack.file), Date.now());
  if (plan !== null) return plan;
  throw new Failure(
    `the config has mistakes:\n${formatIssues(issues)}`,
    "see: npx wireguard-mesh plan",
  );
}

/** What getting onto the hosts of a stack takes. */
export interface Access {
  plan: Plan;
  /** `PROJECT/STACK`, the mark on every host. */
  owner: string;
  sshPrivateKey: Secret | null;
  /** Of the ec2 relays. */
  made: MadeInstances;
}

export async function openAccess(stack: Stack, plan: Plan): Promise<Access> {
  const config = readConfig(readStackFile(stack.file), stack.file);
  const sshPrivateKey = await readSshPrivateKey(stack, config);
  const onEc2 = plan.nodes.some((node) => node.ec2 !== null);
  const made = onEc2 ? await readMadeInstances(stack) : NONE_MADE;
  return { plan, owner: ownerOf(stack), sshPrivateKey, made };
}

/**
 * How to get onto a pushed node's host, and which marks are ours there.
 * @throws PushError when that leads to or through an EC2 instance which was not made yet.
 */
export function hostAccess(node: NodePlan, access: Access): HostAccess & Marks {
  const { plan, made } = access;
  // Without the key there are no instances either, and then nothing comes of these targets.
  const targets = hostTargets(node, plan, made.authorityKey ?? "");
  return {
    node: node.name,
    targets: withMadeInstances(node.name, targets, made),
    sshPrivateKey: access.sshPrivateKey?.reveal() ?? null,
    interface: access.plan.network.interface,
    owner: access.owner,
    machine: withMadeInstances(node.name, machineOf(node), made),
  };
}

function ownerOf({ project, name }: Stack): string {
  return `${project.name}/${name.slice(name.lastIndexOf("/") + 1)}`;
}
