/** The network of a stack as a command works with it: the plan of its file, and how to get onto its hosts. */
import { formatIssues } from "../../mesh/config/issue";
import type { RawConfig } from "../../mesh/config/read-draft";
import { isMap } from "../../mesh/config/shape-issues";
import { readMesh } from "../../mesh/mesh";
import { hostTargets, machineId } from "../../mesh/plan/host-targets";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import type { HostAccess } from "../../mesh/push-request";
import { Secret } from "../../mesh/secret";
import type { Marks } from "../push/host-script";
import { Failure } from "./failure";
import {
  NONE_MADE,
  readMadeInstances,
  withMadeInstances,
  type MadeInstances,
} from "./made-instances";
import { nextKeysIn, type Outputs } from "./outputs";
import type { Stack } from "./project";
import { readConfig, readStackFile } from "./stack-file";
import { readSshPrivateKey } from "./ssh-private-key";

/**
 * The plan of the stack's file; a Failure with all mistakes where there is none. `outputs`: of the last `up`, which tell the next
 * key of a rotation that was begun by setting a secret alone; the file has that encrypted.
 */
export function readPlan(stack: Stack, outputs: Outputs = {}): Plan {
  const config = withNextKeys(readConfig(readStackFile(stack.file), stack.file), outputs);
  const { plan, issues } = readMesh(config, Date.now());
  if (plan !== null) return plan;
  throw new Failure(
    `the config has mistakes:\n${formatIssues(issues)}`,
    "see: npx wireguard-mesh plan",
  );
}

/** Only while the file has the current key that they were told with, and a secret to go with the next one. */
function withNextKeys(config: RawConfig, outputs: Outputs): RawConfig {
  const keys = nextKeysIn(outputs);
  const { privateKeys } = config;
  const isHeld = (name: string) =>
    privateKeys instanceof Secret || (isMap(privateKeys) && Object.hasOwn(privateKeys, name));
  const complete = (nodes: unknown): unknown => {
    if (!isMap(nodes)) return nodes;
    const entries = Object.entries(nodes).map(([name, node]) => {
      const known = keys.get(name);
      if (known === undefined || !isMap(node) || !isHeld(name)) return [name, node];
      const begun = node["publicKey"] === known.publicKey && node["nextPublicKey"] === undefined;
      return [name, begun ? { ...node, nextPublicKey: known.next } : node];
    });
    return Object.fromEntries(entries) as unknown;
  };
  const groups = ["relays", "peers"].filter((group) => config[group] !== undefined);
  const completed = groups.map((group) => [group, complete(config[group])]);
  return { ...config, ...(Object.fromEntries(completed) as RawConfig) };
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
    machine: withMadeInstances(node.name, machineId(node), made),
  };
}

function ownerOf({ project, name }: Stack): string {
  return `${project.name}/${name.slice(name.lastIndexOf("/") + 1)}`;
}
