/** Makes the hosts on a path ping each other. */
import { traceOf, traceProbes, type Target, type Trace } from "../../mesh/doctor/trace";
import type { Observation } from "../../mesh/host/observation";
import { peersOfNode } from "../../mesh/host/running-peers";
import type { NodePlan } from "../../mesh/plan/plan";
import { probeHost } from "../push/probe-host";
import { PushError } from "../push/push-error";
import { queryHosts, forEachConcurrently, type HostAnswer, type HostAnswers } from "./query-hosts";
import { Failure } from "./failure";
import { hostAccess, type Access } from "./host-access";

/** `way`: from the host that sends the pings to the target's node. @throws Failure when that host cannot be queried. */
export async function trace(
  way: readonly NodePlan[],
  target: Target,
  access: Access,
): Promise<Trace> {
  const answers = await queryHosts(way, access);
  const [from] = way;
  const answer = from === undefined ? undefined : answers.get(from.name);
  if (from === undefined || answer?.reachable !== true) throw notQueried(from?.name ?? "", answer);
  const outer = outerAddresses(way, answers, access);
  const wanted = traceProbes(way, target, outer);
  const pings = new Map<string, ReadonlyMap<string, number | null>>();
  const queried = way.filter(({ name }) => answers.get(name)?.reachable === true);
  await forEachConcurrently(queried, async (node) => {
    const probes = wanted.get(node.name) ?? [];
    if (probes.length === 0) return;
    try {
      pings.set(node.name, (await probeHost(hostAccess(node, access), probes)).pings);
    } catch (error) {
      if (!(error instanceof PushError) || node === from) throw error;
    }
  });
  return traceOf(way, target, access.plan, outer, pings);
}

function notQueried(name: string, answer: HostAnswer | undefined): Failure {
  const reason = answer?.reachable === false ? answer.cause : "it has no host";
  const [cause = ""] = reason.split("\n");
  return new Failure(
    `${name} could not be queried: ${cause}`,
    `to find out why: npx wireguard-mesh doctor ${name}`,
  );
}

function outerAddresses(
  way: readonly NodePlan[],
  answers: HostAnswers,
  { plan }: Access,
): Map<string, string> {
  const outer = new Map<string, string>();
  for (const [at, node] of way.entries()) {
    const next = way[at + 1];
    const answer = answers.get(node.name);
    if (next === undefined || answer?.reachable !== true) continue;
    const address = outerAddress(answer.observed, next, plan.network.interface);
    if (address !== null) outer.set(`${node.name} ${next.name}`, address);
  }
  return outer;
}

function outerAddress(observed: Observation, next: NodePlan, name: string): string | null {
  const dialled = peersOfNode(next, observed, name).find(({ endpoint }) => endpoint !== null);
  return dialled?.endpoint?.address ?? null;
}
