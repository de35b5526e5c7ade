/** Asks the hosts of pushed nodes what is true there: in parallel, but not all at once. */
import type { NodePlan } from "../../../mesh/plan/plan";
import { hostFacts, type Facts } from "../../push/facts";
import { PushError } from "../../push/push-error";
import { hostAccess, type Access } from "../../stack/network";

const AT_ONCE = 16;

/** What one host said, or why it said nothing. */
export type Answer =
  { reachable: true; through: string; facts: Facts } | { reachable: false; cause: string };

/** Answers by node's name, for those of `nodes` that have a host. */
export async function askNodes(
  nodes: readonly NodePlan[],
  access: Access,
): Promise<Map<string, Answer>> {
  const waiting = nodes.filter((node) => node.hosts.length > 0);
  const answers = new Map<string, Answer>();
  const worker = async () => {
    for (let node = waiting.shift(); node !== undefined; node = waiting.shift()) {
      answers.set(node.name, await ask(node, access));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return answers;
}

async function ask(node: NodePlan, access: Access): Promise<Answer> {
  try {
    const { through, ...facts } = await hostFacts(hostAccess(node, access));
    return { reachable: true, through, facts };
  } catch (problem) {
    if (!(problem instanceof PushError)) throw problem;
    const cause = problem.message.replace(`${node.name}: `, "");
    return { reachable: false, cause };
  }
}
