/** From facts to findings: each cause once, at the node where it is to be mended, without what follows from it. */
import { jumpRelays } from "../plan/jump-relays";
import { indexLinks } from "../plan/paths";
import type { NodePlan } from "../plan/plan";
import { namesByKey } from "../plan/rotation";
import { shortList } from "../review/short-list";
import { affectedBy } from "./affected";
import { deviceFindings } from "./device-checks";
import type { Cause, Facts, Finding, HostFacts } from "./facts";
import { earlyCause, lateCause, pingFirewall } from "./host-checks";
import { mtuCause, silenceCause, type LinkCause } from "./link-checks";
import { farPairs, linksBetween, works } from "./links";
import { policyFindings } from "./policy-checks";

/** Those that need attention first: more others depend on them. */
export function diagnose(facts: Facts): Finding[] {
  const early = earlyFindings(facts);
  const well = hostsWithout(early, facts);
  const linked = linkFindings(facts, well);
  const sound = hostsWithout(linked, facts, well);
  const late = [...sound].flatMap(([name, host]) =>
    findingOf(name, lateCause(host, keysOf(facts))),
  );
  const about = [...early, ...linked, ...late].filter(askedAbout(facts));
  const devices = deviceFindings(facts, reachedHosts(facts), early);
  return [...about, ...devices, ...policyFindings(facts)].sort(
    (one, other) => other.affects.length - one.affects.length,
  );
}

/** Hosts that nothing is wrong with by itself: pings of others would only take the time until they are lost. */
export function hostsToProbe(facts: Facts): Map<string, HostFacts> {
  return hostsWithout(earlyFindings(facts), facts);
}

/** Hosts to ask a second time: a tunnel of theirs lets no ping through. */
export function silentHosts(facts: Facts): string[] {
  const well = hostsToProbe(facts);
  const silent = linksBetween(facts, well).filter((link) => !works(link));
  return [...new Set(silent.flatMap(({ near, far }) => [near.node.name, far.node.name]))];
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

function earlyFindings(facts: Facts): Finding[] {
  const keys = keysOf(facts);
  const index = indexLinks(facts.plan.nodes, facts.plan.links);
  const found = [...facts.hosts].flatMap(([name, host]) =>
    findingOf(name, host.kind === "reached" ? earlyCause(host, keys) : host),
  );
  const sick = new Set(found.map(({ node }) => node));
  // Who is reached only through a relay that is not well waits for it.
  const waits = (name: string) => {
    const host = facts.hosts.get(name);
    const relays = host === undefined ? [] : jumpRelays(host.node);
    return host?.kind === "unreached" && relays.length > 0 && relays.every((it) => sick.has(it));
  };
  const all = found
    .filter(({ node }) => !waits(node))
    .map((finding) => ({ ...finding, affects: affectedBy(finding, facts, index) }));
  return ownClock(all, facts) ?? all;
}

/** Where all clocks are apart from ours, ours is the wrong one. */
function ownClock(found: readonly Finding[], facts: Facts): Finding[] | null {
  const apart = found.filter(({ check }) => check === "clock");
  const [first] = apart;
  if (first === undefined || apart.length < 2 || apart.length < reachedHosts(facts).size)
    return null;
  const clock: Finding = {
    ...first,
    node: "this machine",
    cause: "its clock differs from those of all hosts, so their handshakes cannot be judged",
    affects: apart.map(({ node }) => node),
  };
  return [clock, ...found.filter(({ check }) => check !== "clock")];
}

function findingOf(node: string, cause: Cause | null): Finding[] {
  if (cause === null) return [];
  const { check, cause: text, remedy } = cause;
  return [{ node, check, cause: text, remedy, affects: [] }];
}

/** Those of `among` without a finding of their own. */
function hostsWithout(
  findings: readonly Finding[],
  facts: Facts,
  among: ReadonlyMap<string, HostFacts> = reachedHosts(facts),
): Map<string, HostFacts> {
  const sick = new Set(findings.map(({ node }) => node));
  return new Map([...among].filter(([name]) => !sick.has(name)));
}

function linkFindings(facts: Facts, well: ReadonlyMap<string, HostFacts>): Finding[] {
  const links = linksBetween(facts, well);
  const silent = links.filter((link) => !works(link));
  const causes = [
    ...silent.map((link) => silenceCause(link, well)),
    ...links.filter(works).flatMap((link) => mtuCause(link) ?? []),
  ];
  const broken = new Set(silent.map(({ near, far }) => `${near.node.name} ${far.node.name}`));
  return [...merged(causes), ...(broken.size > 0 ? [] : farFindings(facts, well))];
}

/** Where the packets of several do not arrive, it is to be mended at the node that they dial. */
function merged(causes: readonly LinkCause[]): Finding[] {
  const groups = new Map<string, LinkCause[]>();
  for (const cause of causes) {
    const key = cause.isLostThere === true ? `${cause.other.name} ${cause.cause}` : cause.at.name;
    groups.set(key, [...(groups.get(key) ?? []), cause]);
  }
  return [...groups.values()].flatMap((group): Finding[] => {
    const [first] = group;
    if (first === undefined) return [];
    const { at, other, check, cause, remedy } = first;
    if (group.length === 1 || first.isLostThere !== true) {
      return [{ node: at.name, check, cause, remedy, affects: [other.name] }];
    }
    const affects = group.map((one) => one.at.name);
    const several = cause.replace(/\bit (send|get)s\b/, `${shortList(affects)} $1`);
    return [{ node: other.name, check, cause: several, remedy, affects }];
  });
}

/** All tunnels work, and what is to pass through a relay does not. */
function farFindings(facts: Facts, well: ReadonlyMap<string, HostFacts>): Finding[] {
  const found = new Map<string, Finding>();
  for (const { from, to, relay } of farPairs(facts, well)) {
    if (well.get(from.name)?.probes?.pings.get(to.address.text) !== null) continue;
    const target = well.get(to.name);
    const drops = target === undefined ? null : pingFirewall(target);
    const [finding] =
      drops === null ? findingOf(relay, passesNothing(from, to, relay)) : findingOf(to.name, drops);
    if (finding === undefined) continue;
    const known = found.get(finding.node) ?? finding;
    found.set(finding.node, { ...known, affects: [...new Set([...known.affects, from.name])] });
  }
  return [...found.values()];
}

function passesNothing(from: NodePlan, to: NodePlan, relay: string): Cause {
  return {
    check: "forwarding",
    cause: `both tunnels work, and no ping of ${from.name} gets through to ${to.name}`,
    remedy: `see on ${relay}: sudo nft list ruleset; sysctl net.ipv4.conf.all.rp_filter; and whether ${to.name} answers pings`,
  };
}

/** Tells the findings about a named node, or about a relay that packets of one go through. */
function askedAbout({ plan, names }: Facts): (finding: Finding) => boolean {
  if (names.length === 0) return () => true;
  const index = indexLinks(plan.nodes, plan.links);
  const relays = names.flatMap((name) =>
    index.neighbours(name).flatMap((other) => (other.kind === "relay" ? [other.name] : [])),
  );
  return ({ node, affects }) =>
    [node, ...affects].some((name) => names.includes(name)) || relays.includes(node);
}
