/** Asks hosts for their state, several at a time. */
import { namesOf } from "../../mesh/host/wanted";
import type { NodePlan } from "../../mesh/plan/plan";
import { withProgress } from "../progress";
import { NO_QUESTIONS } from "../push/conversation";
import { observeHost, type HostView } from "../push/observe-host";
import { PushError } from "../push/push-error";
import { hostAccess, type Access } from "./host-access";
import { plannedState } from "./planned-state";

const AT_ONCE = 16;

/** The state of one host, or why it could not be asked. */
export type HostAnswer =
  | ({
      reachable: true;
      /** Our own clock when the host had answered, seconds since 1970. */
      askedAt: number;
    } & HostView)
  | { reachable: false; cause: string };

/** By the node's name. */
export type HostAnswers = ReadonlyMap<string, HostAnswer>;

/** Asks the hosts of those `nodes` that have one. */
export async function askHosts(
  nodes: readonly NodePlan[],
  access: Access,
): Promise<Map<string, HostAnswer>> {
  const queue = nodes.filter((node) => node.hosts.length > 0);
  const answers = new Map<string, HostAnswer>();
  const words = askedWords(queue.length, answers);
  await withProgress(words, async (update) => {
    const worker = async () => {
      for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
        answers.set(node.name, await askHost(node, access));
        update();
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  });
  return answers;
}

function askedWords(hosts: number, answers: HostAnswers): () => string {
  return () => `asked ${answers.size} of ${hosts} ${hosts === 1 ? "host" : "hosts"}`;
}

async function askHost(node: NodePlan, access: Access): Promise<HostAnswer> {
  try {
    const planned = plannedState(node, access, "");
    const names = namesOf(planned);
    const questions = { ...NO_QUESTIONS, names, filter: true, table: planned.filter !== null };
    const view = await observeHost(hostAccess(node, access), questions);
    return { reachable: true, ...view, askedAt: Date.now() / 1000 };
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    return { reachable: false, cause: error.message.replace(`${node.name}: `, "") };
  }
}
