/** Whom a finding leaves without a tunnel. */
import type { Node } from "../config/config";
import { firewallFindings } from "../host/firewall";
import { tunnelNeeds } from "../host/firewall-notes";
import type { Difference } from "../host/difference";
import { liveDifferences } from "../host/differences";
import { withKept } from "../host/kept";
import { indexLinks } from "../plan/paths";
import type { Check, Facts, Finding, HostFacts } from "./facts";
import { isFresh, latestView } from "./tunnel-view";

/** Neighbours of a node that is not well: those that its fault cuts off, and those without a session with it. */
export function affectedBy(finding: Finding, facts: Facts): string[] {
  const index = indexLinks(facts.plan.nodes, facts.plan.links);
  const node = index.node(finding.node);
  const sick = facts.hosts.get(finding.node);
  if (node === undefined) return [];
  return index.neighbours(finding.node).flatMap((other) => {
    const host = facts.hosts.get(other.name);
    if (host?.kind === "unreached" || (host === undefined && other.hosts.length > 0)) return [];
    // A session outlives its tunnel by three minutes.
    const isCut = sick?.kind === "reached" && CUTS[finding.check]?.(sick, other) === true;
    const isSilent = host !== undefined && !isFresh(latestView(host, node));
    return isCut || isSilent ? [other.name] : [];
  });
}

const OF_TUNNELS: readonly Difference["kind"][] = [
  ...(["owner", "interface", "public-key", "listen-port", "address", "route"] as const),
];

type Cut = (sick: HostFacts, other: Node) => boolean;

/** By the check that failed. */
const CUTS: Partial<Record<Check, Cut>> = {
  interface: (sick) => live(sick).some(({ kind }) => OF_TUNNELS.includes(kind)),
  WireGuard: ({ observed, wanted }, other) =>
    observed.devices.get(wanted.main.name)?.peers.has(other.publicKey) !== true,
  forwarding: ({ node }) => node.kind === "relay",
  firewall: ({ observed, wanted, node }) =>
    firewallFindings(observed, tunnelNeeds(observed, wanted)).some(
      ({ blocked }) =>
        blocked === "port" ||
        blocked === "tunnel" ||
        (blocked === "forwarding" && node.kind === "relay"),
    ),
  peers: (sick, { publicKey }) =>
    live(sick).some(
      (it) => "publicKey" in it && it.publicKey === publicKey && it.kind !== "endpoint",
    ),
};

function live({ observed, wanted }: HostFacts): readonly Difference[] {
  return liveDifferences(observed, withKept(observed, wanted));
}

/** Hosts of which no tunnel was tried: all of them lead to hosts that are not well. `tried`: the hosts that sent pings. */
export function untried({ plan, hosts }: Facts, tried: ReadonlyMap<string, unknown>): Set<string> {
  const index = indexLinks(plan.nodes, plan.links);
  const names = [...hosts.keys()].filter((name) => {
    const asked = index.neighbours(name).filter((other) => hosts.has(other.name));
    return asked.length > 0 && asked.every((other) => !tried.has(other.name));
  });
  return new Set(names);
}
