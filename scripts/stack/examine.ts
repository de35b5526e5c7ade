/** Gathers what `doctor` judges by: each host's state, then its pings, then once more the state where one was lost. */
import { hostsToProbe, silentHosts } from "../../mesh/doctor/diagnosis";
import type { Facts, HostFacts, Unreached, Check } from "../../mesh/doctor/facts";
import { probesOf } from "../../mesh/doctor/links";
import type { Probe, Probes } from "../../mesh/doctor/probes";
import { indexLinks, pathBetween } from "../../mesh/plan/paths";
import type { NodePlan, Plan } from "../../mesh/plan/plan";
import { Secret } from "../../mesh/secret";
import { probeHost } from "../push/probe-host";
import { PushError } from "../push/push-error";
import type { SharedKeep } from "../push/shared-keep";
import type { FailureKind } from "../push/ssh-failure";
import { askHosts, keepFor, severalAtATime, type HostAnswer } from "./ask-hosts";
import { decrypt } from "./config-secrets";
import { outdatedDevices } from "./device-config";
import { driftOf } from "./drift";
import { Failure } from "./failure";
import { hostAccess, openAccess, type Access } from "./host-access";
import type { OpenStack } from "./open-stack";
import { plannedState, withPresharedKeys } from "./planned-state";

export interface Examination {
  facts: Facts;
  /** What could not be examined, in words. */
  notes: string[];
}

/** `names`: of nodes; empty: all. */
export async function examine(stack: OpenStack, names: readonly string[]): Promise<Examination> {
  const plan = await stack.plan();
  // The engine runs for each, so both at once.
  const [access, seed] = await Promise.all([openAccess(stack), seedOf(stack)]);
  const asked = nodesToAsk(plan, names);
  const answers = await askHosts(asked, access, seed.value);
  // In the order of the plan, not in that of the answers: findings of the same weight keep it.
  const hosts = new Map(
    asked.flatMap((node) => {
      const answer = answers.get(node.name);
      if (answer === undefined) return [];
      return [[node.name, factsOf(node, answer, access, seed.value)] as const];
    }),
  );
  const outdated = (await outdatedDevices(stack)).map(({ node }) => node);
  const first: Facts = { plan, hosts, names, outdated };
  const probes = await probeAll(first, access);
  const probed = withEach(first, (host) => ({ probes: probes.get(host.node.name) ?? null }));
  const silent = silentHosts(probed);
  const again = await askHosts(
    asked.filter(({ name }) => silent.includes(name)),
    access,
  );
  const facts = withEach(probed, ({ node }) => {
    const answer = again.get(node.name);
    return { later: answer?.reachable === true ? answer.observed : null };
  });
  return { facts, notes: seed.notes };
}

/** With names: these, their neighbours, and who is on a path between two of them. */
function nodesToAsk(plan: Plan, names: readonly string[]): NodePlan[] {
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
  const { observed, askedAt } = answer;
  const planned = plannedState(node, access, observed.records.confirmed?.digest ?? "");
  const wanted = seed === null ? planned : withPresharedKeys(planned, seed);
  const drift = driftOf(node, access, observed);
  return {
    ...{ kind: "reached", node, wanted, observed, askedAt, drift },
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

async function probeAll(facts: Facts, access: Access): Promise<Map<string, Probes>> {
  const probes = new Map<string, Probes>();
  const hosts = hostsToProbe(facts);
  const wanted = probesOf(facts, hosts);
  const keeping = keepFor(access);
  try {
    await severalAtATime([...hosts.values()], async ({ node }) => {
      const answer = await probeOne(node, wanted.get(node.name) ?? [], access, keeping);
      if (answer !== null) probes.set(node.name, answer);
    });
  } finally {
    await keeping.clearAway();
  }
  return probes;
}

async function probeOne(
  node: NodePlan,
  probes: readonly Probe[],
  access: Access,
  keeping: SharedKeep,
): Promise<Probes | null> {
  try {
    return await probeHost(hostAccess(node, access), probes, keeping);
  } catch (error) {
    if (!(error instanceof PushError)) throw error;
    return null;
  }
}

function withEach(facts: Facts, more: (host: HostFacts) => Partial<HostFacts>): Facts {
  const hosts = [...facts.hosts].map(([name, host]): [string, HostFacts | Unreached] => [
    name,
    host.kind === "reached" ? { ...host, ...more(host) } : host,
  ]);
  return { ...facts, hosts: new Map(hosts) };
}
