/** Whom a finding leaves without a tunnel. */
import type { Node } from "../config/config";
import { firewallFindings } from "../host/firewall";
import { tunnelNeeds } from "../host/firewall-notes";
import type { Difference } from "../host/difference";
import { liveDifferences } from "../host/differences";
import { withKept } from "../host/kept";
import { indexLinks, type LinkIndex } from "../plan/paths";
import type { Check, Facts, Finding, HostFacts } from "./facts";
import { isFresh, latestView } from "./tunnel-view";

/** Neighbours of a node that is not well: those that its fault cuts off, and those without a session with it. */
export function affectedBy(finding: Finding, { hosts }: Facts, index: LinkIndex): string[] {
  const node = index.node(finding.node);
  const sick = hosts.get(finding.node);
  if (node === undefined) return [];
  const cuts = sick?.kind === "reached" ? CUTS[finding.check]?.(sick) : undefined;
  return index.neighbours(finding.node).flatMap((other) => {
    const host = hosts.get(other.name);
    if (host?.kind === "unreached" || (host === undefined && other.hosts.length > 0)) return [];
    // A session outlives its tunnel by three minutes.
    const isSilent = host !== undefined && !isFresh(latestView(host, node));
    return cuts?.(other) === true || isSilent ? [other.name] : [];
  });
}

const OF_TUNNELS: readonly Difference["kind"][] = [
  ...(["owner", "interface", "public-key", "listen-port", "address", "route"] as const),
];

type Cut = (other: Node) => boolean;

/** By the check that failed: whether the host's fault cuts a neighbour off. */
const CUTS: Partial<Record<Check, (sick: HostFacts) => Cut>> = {
  interface: (sick) => allOrNone(live(sick).some(({ kind }) => OF_TUNNELS.includes(kind))),
  WireGuard: ({ observed, wanted }) => {
    const running = observed.devices.get(wanted.main.name)?.peers;
    return (other) => running?.has(other.publicKey) !== true;
  },
  forwarding: ({ node }) => allOrNone(node.kind === "relay"),
  firewall: ({ observed, wanted, node }) =>
    allOrNone(
      firewallFindings(observed, tunnelNeeds(observed, wanted)).some(
        ({ blocked }) =>
          blocked === "port" ||
          blocked === "tunnel" ||
          (blocked === "forwarding" && node.kind === "relay"),
      ),
    ),
  peers: (sick) => {
    const differing = live(sick).flatMap((it) =>
      "publicKey" in it && it.kind !== "endpoint" ? [it.publicKey] : [],
    );
    const keys = new Set(differing);
    return (other) => keys.has(other.publicKey);
  },
};

function allOrNone(isCut: boolean): Cut {
  return () => isCut;
}

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
