/** Collects the input of `doctor`: each host's state and pings, and a second state where a tunnel is or was down. */
import { hostsToProbe, hostsToLookAt } from "../../mesh/doctor/diagnosis";
import type { Facts, HostFacts, Unreached, Check } from "../../mesh/doctor/facts";
import { probesOf, returnProbesOf } from "../../mesh/doctor/links";
import { mergedProbes, type Probe } from "../../mesh/doctor/probes";
import { indexLinks, pathBetween } from "../../mesh/plan/paths";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { Secret } from "../../mesh/secret";
import type { FailureKind } from "../push/ssh-failure";
import type { HostAnswer } from "./query-hosts";
import { decrypt } from "./config-secrets";
import { outdatedDevices } from "./device-config";
import { driftOf } from "./drift";
import { Failure } from "./failure";
import { openAccess, type Access } from "./host-access";
import { ConnectedHosts } from "./connected-hosts";
import type { OpenStack } from "./open-stack";
import { plannedState, withPresharedKeys } from "./planned-state";

export interface Examination {
  facts: Facts;
  /** Messages about hosts that could not be examined. */
  notes: string[];
}

/** `names` are the nodes to examine; empty: all. */
export async function examine(stack: OpenStack, names: readonly string[]): Promise<Examination> {
  const plan = await stack.plan();
  // In parallel, since each runs the engine.
  const [access, seed] = await Promise.all([openAccess(stack), seedOf(stack)]);
  const queried = nodesToQuery(plan, names);
  const connections = new ConnectedHosts(access);
  try {
    const answers = await connections.query(queried, seed.value);
    // In the order of the plan, not of the answers, because findings of equal weight keep this order.
    const hosts = new Map(
      queried.flatMap((node) => {
        const answer = answers.get(node.name);
        if (answer === undefined) return [];
        return [[node.name, factsOf(node, answer, access, seed.value)] as const];
      }),
    );
    const outdated = (await outdatedDevices(stack)).map(({ node }) => node);
    const first: Facts = { plan, hosts, names, outdated };
    const probe = (wanted: ReadonlyMap<string, Probe[]>) =>
      connections.queryAgain(wanted.keys(), (host, name) => host.probe(wanted.get(name) ?? []));
    const probes = await probe(probesOf(first, hostsToProbe(first)));
    const once = withEach(first, ({ node }) => ({ probes: probes.get(node.name) ?? null }));
    const returned = await probe(returnProbesOf(once, hostsToProbe(once)));
    const probed = withEach(once, (host) => ({
      probes: mergedProbes(host.probes, returned.get(host.node.name) ?? null),
    }));
    const later = await connections.queryAgain(hostsToLookAt(probed), (host) => host.look());
    const facts = withEach(probed, ({ node }) => ({ later: later.get(node.name) ?? null }));
    return { facts, notes: seed.notes };
  } finally {
    await connections.end();
  }
}

/** With names: these nodes, their neighbours, and the nodes on a path between two of them. */
function nodesToQuery(plan: Plan, names: readonly string[]): NodePlan[] {
  if (names.length === 0) return plan.nodes;
  const index = indexLinks(plan.nodes, plan.links);
  const neighbours = names.flatMap((name) => index.neighbours(name).map((node) => node.name));
  const between = names.flatMap((one) =>
    names.flatMap((other) => {
      const [from, to] = [index.node(one), index.node(other)];
      return from === undefined || to === undefined ? [] : (pathBetween(from, to, index) ?? []);
    }),
  );
  const all = new Set([...names, ...neighbours, ...between]);
  return plan.nodes.filter(({ name }) => all.has(name));
}

/** The seed of the preshared keys; null without one, or without the passphrase. */
async function seedOf(stack: OpenStack): Promise<{ value: Secret | null; notes: string[] }> {
  if (!(stack.config["presharedKeySeed"] instanceof Secret)) return { value: null, notes: [] };
  try {
    const seed = await decrypt(stack, ["presharedKeySeed"]);
    return { value: Secret.of(seed.reveal().trim()), notes: [] };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { value: null, notes: [`preshared keys were not compared: ${error.message}`] };
  }
}

function factsOf(
  node: NodePlan,
  answer: HostAnswer,
  access: Access,
  seed: Secret | null,
): HostFacts | Unreached {
  if (!answer.reachable) return unreached(node, answer);
  const { observed, queriedAt } = answer;
  const planned = plannedState(node, access, observed.records.confirmed?.digest ?? "");
  const wanted = seed === null ? planned : withPresharedKeys(planned, seed);
  const drift = driftOf(node, access, observed);
  return {
    ...{ kind: "reached", node, wanted, observed, queriedAt, drift },
    probes: null,
    later: null,
  };
}

const CHECKS: Record<FailureKind, Check> = {
  refused: "TCP",
  "timed-out": "TCP",
  "no-route": "TCP",
  dropped: "TCP",
  "unknown-name": "name",
  "no-forwarding": "TCP",
  "host-key": "host key",
  "other-machine": "host key",
  denied: "login",
  "no-shell": "login",
  "no-root": "privilege",
  other: "TCP",
};

function unreached(node: NodePlan, answer: Extract<HostAnswer, { reachable: false }>): Unreached {
  const { ways = [] } = answer;
  const [lead] = ways;
  if (lead === undefined) {
    const [cause = "", ...remedy] = answer.cause.split("\n");
    return { kind: "unreached", node, check: "answer", cause, remedy: remedy.join(" ") };
  }
  const { kind, cause, remedy } = lead.failure;
  const all = ways.map(({ through, failure }) => `\n${through}: ${failure.cause}`).join("");
  return {
    ...{ kind: "unreached", node, check: CHECKS[kind], remedy },
    cause: ways.length === 1 ? cause : `no way leads there:${all}`,
  };
}

function withEach(facts: Facts, more: (host: HostFacts) => Partial<HostFacts>): Facts {
  const hosts = [...facts.hosts].map(([name, host]): [string, HostFacts | Unreached] => [
    name,
    host.kind === "reached" ? { ...host, ...more(host) } : host,
  ]);
  return { ...facts, hosts: new Map(hosts) };
}
