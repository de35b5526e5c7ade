/** Asks hosts for their state, several at a time. */
import { namesOf } from "../../mesh/host/wanted";
import type { NodePlan } from "../../mesh/plan/plan";
import { NO_QUESTIONS, type Questions } from "../push/conversation";
import { observeHost, type HostView } from "../push/observe-host";
import { PushError } from "../push/push-error";
import { SharedKeep } from "../push/shared-keep";
import { hostAccess, type Access } from "./host-access";
import { plannedState } from "./planned-state";

/** How many logins are made at once. */
export const AT_ONCE = 16;

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
  const keeping = keepFor(access);
  const worker = async () => {
    for (let node = queue.shift(); node !== undefined; node = queue.shift()) {
      answers.set(node.name, await askHost(node, access, keeping));
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  } finally {
    await keeping.clearAway();
  }
  return answers;
}

/** One folder and one agent for all hosts. */
export function keepFor({ sshPrivateKey }: Access): SharedKeep {
  return new SharedKeep(sshPrivateKey?.reveal() ?? null);
}

/** What a host is asked for its status. */
export function statusQuestions(node: NodePlan, access: Access): Questions {
  const planned = plannedState(node, access, "");
  const names = namesOf(planned);
  return { ...NO_QUESTIONS, names, filter: true, table: planned.filter !== null };
}

/** @throws any error but PushError. */
export function unreached({ name }: NodePlan, error: unknown): HostAnswer {
  if (!(error instanceof PushError)) throw error;
  return { reachable: false, cause: error.message.replace(`${name}: `, "") };
}

async function askHost(node: NodePlan, access: Access, keeping: SharedKeep): Promise<HostAnswer> {
  try {
    const questions = statusQuestions(node, access);
    const view = await observeHost(hostAccess(node, access), questions, {}, keeping);
    return { reachable: true, ...view, askedAt: Date.now() / 1000 };
  } catch (error) {
    return unreached(node, error);
  }
}
