/** Asks hosts for their state, several at a time. */
import type { NodePlan } from "../../mesh/plan/plan";
import { hostFacts, type Facts } from "../push/facts";
import { PushError } from "../push/push-error";
import { hostAccess, type Access } from "./host-access";

const AT_ONCE = 16;

/** The state of one host, or why it could not be asked. `through`: the login target that was used, `root@203.0.113.10`. */
export type HostAnswer =
  { reachable: true; through: string; facts: Facts } | { reachable: false; cause: string };

/** By the node's name. */
export type HostAnswers = ReadonlyMap<string, HostAnswer>;

/** Asks the hosts of those `nodes` that have one. */
export async function askHosts(
  nodes: readonly NodePlan[],
  access: Access,
): Promise<Map<string, HostAnswer>> {
  const queue = nodes.filter((node) => node.hosts.length > 0);
  const answers = new Map<string, HostAnswer>();
  const worker = async () => {
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      answers.set(node.name, await askHost(node, access));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}

async function askHost(node: NodePlan, access: Access): Promise<HostAnswer> {
  try {
    const { through, ...facts } = await hostFacts(hostAccess(node, access));
    return { reachable: true, through, facts };
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    return { reachable: false, cause: error.message.replace(`${node.name}: `, "") };
  }
}
