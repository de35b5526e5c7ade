/** Queries the state of hosts, several at a time. */
import { namesOf, presharedKeysOf } from "../../mesh/host/wanted";
import type { NodePlan } from "../../mesh/plan/plan";
import type { Secret } from "../../mesh/secret";
import { withProgress } from "../progress";
import { NO_QUESTIONS, type Questions } from "../push/conversation";
import { observeHost, type HostView } from "../push/observe-host";
import { PushError, RefusedError, UnreachableError, type FailedWay } from "../push/push-error";
import { SshContext } from "../push/ssh-context";
import { hostAccess, type Access } from "./host-access";
import { plannedState, withPresharedKeys } from "./planned-state";

/** Concurrent logins. */
export const MAX_CONCURRENT = 16;

/** The state of one host, or why it could not be queried. */
export type HostAnswer =
  | ({
      reachable: true;
      /** This machine's clock when the host answered, in seconds since 1970. */
      queriedAt: number;
    } & HostView)
  | {
      reachable: false;
      cause: string;
      /** The SSH targets that failed, a wrong host key first; none if the login worked, but the host did not answer. */
      ways?: readonly FailedWay[];
    };

/** By the node's name. */
export type HostAnswers = ReadonlyMap<string, HostAnswer>;

/** Queries the hosts of those `nodes` that have one. With the seed, each host also compares its preshared keys. */
export async function queryHosts(
  nodes: readonly NodePlan[],
  access: Access,
  presharedKeySeed: Secret | null = null,
): Promise<Map<string, HostAnswer>> {
  const context = sshContextFor(access);
  try {
    return await queryEach(nodes, (node) => queryHost(node, access, presharedKeySeed, context));
  } finally {
    await context.cleanUp();
  }
}

/** Runs a query for each of those `nodes` that have a host, several at a time. */
export async function queryEach(
  nodes: readonly NodePlan[],
  ask: (node: NodePlan) => Promise<HostAnswer>,
): Promise<Map<string, HostAnswer>> {
  const answers = new Map<string, HostAnswer>();
  const queried = nodes.filter((node) => node.hosts.length > 0);
  if (queried.length === 0) return answers;
  await withProgress(queryProgress(queried.length, answers), (update) =>
    forEachConcurrently(queried, async (node) => {
      answers.set(node.name, await ask(node));
      update();
    }),
  );
  return answers;
}

/** A shared SSH context for all hosts. */
export function sshContextFor({ sshPrivateKey }: Access): SshContext {
  return new SshContext(sshPrivateKey?.reveal() ?? null);
}

/** Calls `work` for each item, up to `atOnce` at a time. */
export async function forEachConcurrently<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce = MAX_CONCURRENT,
): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** What to query from a host for its status. */
export function statusQuestions(
  node: NodePlan,
  access: Access,
  seed: Secret | null = null,
): Questions {
  const planned = plannedState(node, access, "");
  const presharedKeys =
    seed === null ? "" : presharedKeysOf(withPresharedKeys(planned, seed)).reveal();
  const names = namesOf(planned);
  const ownTable = planned.filter !== null;
  return { ...NO_QUESTIONS, presharedKeys, names, hostFilter: true, ownTable };
}

/** The answer for a PushError. @throws any other error. */
export function unreachedAnswer({ name }: NodePlan, error: unknown): HostAnswer {
  if (!(error instanceof PushError)) throw error;
  const cause = error.reason(name);
  return { reachable: false, cause, ways: failedTargets(error) };
}

function queryProgress(hosts: number, answers: HostAnswers): () => string {
  return () => `queried ${answers.size} of ${hosts} ${hosts === 1 ? "host" : "hosts"}`;
}

async function queryHost(
  node: NodePlan,
  access: Access,
  seed: Secret | null,
  context: SshContext,
): Promise<HostAnswer> {
  try {
    const questions = statusQuestions(node, access, seed);
    const view = await observeHost(hostAccess(node, access), questions, {}, context);
    return { reachable: true, ...view, queriedAt: Date.now() / 1000 };
  } catch (error) {
    return unreachedAnswer(node, error);
  }
}

function failedTargets(error: PushError): FailedWay[] {
  if (error instanceof RefusedError) return [{ through: "", failure: error.failure }];
  if (!(error instanceof UnreachableError)) return [];
  const isHostKey = ({ failure }: FailedWay) => failure.kind === "host-key";
  return [...error.ways.filter(isHostKey), ...error.ways.filter((way) => !isHostKey(way))];
}
