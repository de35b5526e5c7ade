/** Turns facts into findings: each cause once, at the node to fix, without the faults that follow from it. */
import { jumpRelays } from "../plan/jump-relays";
import { indexLinks } from "../plan/paths";
import type { NodePlan } from "../plan/plan";
import { namesByKey } from "../plan/rotation";
import { shortList } from "../review/short-list";
import { affectedBy } from "./affected";
import { deviceFindings } from "./device-checks";
import type { Cause, Facts, Finding, HostFacts } from "./facts";
import { blockingCause, otherCause, pingFirewall } from "./host-checks";
import { roamedCause } from "./endpoint-checks";
import { mtuCause, noTrafficCause } from "./link-checks";
import { linksBetween, relayedPairs, wasDown, works, type LinkCause } from "./links";
import { policyFindings } from "./policy-checks";

/** The findings that affect most nodes come first. */
export function diagnose(facts: Facts): Finding[] {
  const blocking = blockingFindings(facts);
  const healthy = hostsWithout(blocking, facts);
  const linked = linkFindings(facts, healthy);
  const sound = hostsWithout(linked, facts, healthy);
  const others = [...sound].flatMap(([name, host]) =>
    findingOf(name, otherCause(host, keysOf(facts))),
  );
  const selected = [...blocking, ...linked, ...others].filter(concernsNamed(facts));
  const devices = deviceFindings(facts, reachedHosts(facts), blocking);
  return [...selected, ...devices, ...policyFindings(facts)].sort(
    (one, other) => other.affects.length - one.affects.length,
  );
}

/** The hosts without a finding. Pings to any other would only time out. */
export function hostsToProbe(facts: Facts): Map<string, HostFacts> {
  return hostsWithout(blockingFindings(facts), facts);
}

/** The hosts to query a second time: no ping passes through one of their tunnels, or only the pings have brought it up. */
export function hostsToLookAt(facts: Facts): string[] {
  const links = linksBetween(facts, hostsToProbe(facts));
  const ends = links.flatMap((link) =>
    works(link) ? [link.near, link.far].filter(wasDown) : [link.near, link.far],
  );
  return [...new Set(ends.map(({ node }) => node.name))];
}

/** The hosts that answered. */
export function reachedHosts({ hosts }: Pick<Facts, "hosts">): Map<string, HostFacts> {
  return new Map(
    [...hosts].flatMap(([name, host]) => (host.kind === "reached" ? [[name, host] as const] : [])),
  );
}

function keysOf({ plan }: Facts): Map<string, string> {
  return namesByKey(plan.nodes);
}

function blockingFindings(facts: Facts): Finding[] {
  const keys = keysOf(facts);
  const index = indexLinks(facts.plan.nodes, facts.plan.links);
  const found = [...facts.hosts].flatMap(([name, host]) =>
    findingOf(name, host.kind === "reached" ? blockingCause(host, keys) : host),
  );
  const faulty = new Set(found.map(({ node }) => node));
  // A host that is reached only through faulty relays gets no finding: the relays are the cause.
  const isBehindFaultyRelays = (name: string) => {
    const host = facts.hosts.get(name);
    const relays = host === undefined ? [] : jumpRelays(host.node);
    return host?.kind === "unreached" && relays.length > 0 && relays.every((it) => faulty.has(it));
  };
  const all = found
    .filter(({ node }) => !isBehindFaultyRelays(node))
    .map((finding) => ({ ...finding, affects: affectedBy(finding, facts, index) }));
  return localClockFindings(all, facts) ?? all;
}

/** If the clocks of all hosts differ from this machine's, this machine's is wrong. */
function localClockFindings(found: readonly Finding[], facts: Facts): Finding[] | null {
  const apart = found.filter(({ check }) => check === "clock");
  const [first] = apart;
  if (first === undefined || apart.length < 2 || apart.length < reachedHosts(facts).size)
    return null;
  const clock: Finding = {
    ...first,
    node: "this machine",
    cause: "its clock differs from those of all hosts, so the age of handshakes is unknown",
    affects: apart.map(({ node }) => node),
  };
  return [clock, ...found.filter(({ check }) => check !== "clock")];
}

function findingOf(node: string, cause: Cause | null): Finding[] {
  if (cause === null) return [];
  const { check, cause: text, remedy } = cause;
  return [{ node, check, cause: text, remedy, affects: [] }];
}

/** The hosts of `among` without a finding. */
function hostsWithout(
  findings: readonly Finding[],
  facts: Facts,
  among: ReadonlyMap<string, HostFacts> = reachedHosts(facts),
): Map<string, HostFacts> {
  const faulty = new Set(findings.map(({ node }) => node));
  return new Map([...among].filter(([name]) => !faulty.has(name)));
}

function linkFindings(facts: Facts, healthy: ReadonlyMap<string, HostFacts>): Finding[] {
  const links = linksBetween(facts, healthy);
  const silent = links.filter((link) => !works(link));
  const causes = [
    ...silent.map((link) => noTrafficCause(link, healthy)),
    ...links.filter(works).flatMap((link) => roamedCause(link, healthy) ?? mtuCause(link) ?? []),
  ];
  const broken = new Set(silent.map(({ near, far }) => `${near.node.name} ${far.node.name}`));
  return [...mergedByTarget(causes), ...(broken.size > 0 ? [] : relayedFindings(facts, healthy))];
}

/** If several nodes have the same cause at one other node, reports that node instead of each of them. */
function mergedByTarget(causes: readonly LinkCause[]): Finding[] {
  const groups = new Map<string, LinkCause[]>();
  for (const cause of causes) {
    const key = cause.isShared === true ? `${cause.other.name} ${cause.cause}` : cause.at.name;
    groups.set(key, [...(groups.get(key) ?? []), cause]);
  }
  return [...groups.values()].flatMap((group): Finding[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { at, other, check, remedy, meanwhile = "" } = first;
    const isWorking = group.every((one) => one.meanwhile === meanwhile);
    const cause = first.cause + (isWorking ? meanwhile : "");
    if (group.length === 1 || first.isShared !== true) {
      return [{ node: at.name, check, cause, remedy, affects: [other.name] }];
    }
    const affects = group.map((one) => one.at.name);
    const several = cause.replace(/\bit (send|get)s\b/, `${shortList(affects)} $1`);
    return [{ node: other.name, check, cause: several, remedy, affects }];
  });
}

/** Findings where all tunnels work, but packets through a relay do not arrive. */
function relayedFindings(facts: Facts, healthy: ReadonlyMap<string, HostFacts>): Finding[] {
  const found = new Map<string, Finding>();
  for (const { from, to, relay } of relayedPairs(facts, healthy)) {
    if (healthy.get(from.name)?.probes?.pings.get(to.address.text) !== null) continue;
    const target = healthy.get(to.name);
    const drops = target === undefined ? null : pingFirewall(target);
    const [finding] =
      drops === null
        ? findingOf(relay, forwardingCause(from, to, relay))
        : findingOf(to.name, drops);
    if (finding === undefined) continue;
    const known = found.get(finding.node) ?? finding;
    found.set(finding.node, { ...known, affects: [...new Set([...known.affects, from.name])] });
  }
  return [...found.values()];
}

function forwardingCause(from: NodePlan, to: NodePlan, relay: string): Cause {
  return {
    check: "forwarding",
    cause: `both tunnels work, and no ping of ${from.name} gets through to ${to.name}`,
    remedy: `see on ${relay}: sudo nft list ruleset; sysctl net.ipv4.conf.all.rp_filter; and whether ${to.name} answers pings`,
  };
}

/** Selects the findings about the named nodes and about their relays. */
function concernsNamed({ plan, names }: Facts): (finding: Finding) => boolean {
  if (names.length === 0) return () => true;
  const index = indexLinks(plan.nodes, plan.links);
  const relays = names.flatMap((name) =>
    index.neighbours(name).flatMap((other) => (other.kind === "relay" ? [other.name] : [])),
  );
  return ({ node, affects }) =>
    [node, ...affects].some((name) => names.includes(name)) || relays.includes(node);
}
