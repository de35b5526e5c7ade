/** Asks hosts for their state, several at a time. */
import { namesOf, presharedKeysOf } from "../../mesh/host/wanted";
import type { NodePlan } from "../../mesh/plan/plan";
import type { Secret } from "../../mesh/secret";
import { withProgress } from "../progress";
import { NO_QUESTIONS } from "../push/conversation";
import { observeHost, type HostView } from "../push/observe-host";
import { PushError, RefusedError, UnreachableError, type VainWay } from "../push/push-error";
import { hostAccess, type Access } from "./host-access";
import { plannedState, withPresharedKeys } from "./planned-state";

const AT_ONCE = 16;

/** The state of one host, or why it could not be asked. */
export type HostAnswer =
  | ({
      reachable: true;
      /** Our own clock when the host had answered, seconds since 1970. */
      askedAt: number;
    } & HostView)
  | {
      reachable: false;
      cause: string;
      /** The ways that were tried, the telling one first; none where it was reached, but did not answer. */
      ways?: readonly VainWay[];
    };

/** By the node's name. */
export type HostAnswers = ReadonlyMap<string, HostAnswer>;

/** Asks the hosts of those `nodes` that have one. With the seed, they compare their preshared keys. */
export async function askHosts(
  nodes: readonly NodePlan[],
  access: Access,
  presharedKeySeed: Secret | null = null,
): Promise<Map<string, HostAnswer>> {
  const answers = new Map<string, HostAnswer>();
  const asked = nodes.filter((node) => node.hosts.length > 0);
  await withProgress(askedWords(asked.length, answers), async (update) => {
    await severalAtATime(asked, async (node) => {
      answers.set(node.name, await askHost(node, access, presharedKeySeed));
      update();
    });
  });
  return answers;
}

/** Logs in to so many hosts at once. */
export async function severalAtATime<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

function askedWords(hosts: number, answers: HostAnswers): () => string {
  return () => `asked ${answers.size} of ${hosts} ${hosts === 1 ? "host" : "hosts"}`;
}

async function askHost(node: NodePlan, access: Access, seed: Secret | null): Promise<HostAnswer> {
  try {
    const planned = plannedState(node, access, "");
    const presharedKeys =
      seed === null ? "" : presharedKeysOf(withPresharedKeys(planned, seed)).reveal();
    const names = namesOf(planned);
    const table = planned.filter !== null;
    const questions = { ...NO_QUESTIONS, presharedKeys, names, filter: true, table };
    const view = await observeHost(hostAccess(node, access), questions);
    return { reachable: true, ...view, askedAt: Date.now() / 1000 };
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    const cause = error.message.replace(`${node.name}: `, "");
    return { reachable: false, cause, ways: waysIn(error) };
  }
}

function waysIn(error: PushError): VainWay[] {
  if (error instanceof RefusedError) return [{ through: "", failure: error.failure }];
  if (!(error instanceof UnreachableError)) return [];
  const isTelling = ({ failure }: VainWay) => failure.kind === "host-key";
  return [...error.ways.filter(isTelling), ...error.ways.filter((way) => !isTelling(way))];
}
