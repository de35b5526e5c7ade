/** Finds the neighbours that have no tunnel because of a finding. */
import type { Node } from "../config/config";
import { firewallFindings } from "../host/firewall";
import { tunnelNeeds } from "../host/firewall-notes";
import type { Difference } from "../host/difference";
import { liveDifferences } from "../host/differences";
import { withKept } from "../host/kept";
import { indexLinks, type LinkIndex } from "../plan/paths";
import type { Check, Facts, Finding, HostFacts } from "./facts";
import { isFresh, latestView } from "./tunnel-view";

/** The neighbours of a faulty node that its fault cuts off, or that have no session with it. */
export function affectedBy(finding: Finding, { hosts }: Facts, index: LinkIndex): string[] {
  const node = index.node(finding.node);
  const faulty = hosts.get(finding.node);
  if (node === undefined) return [];
  const isCutOff = faulty?.kind === "reached" ? CUT_OFF_BY[finding.check]?.(faulty) : undefined;
  return index.neighbours(finding.node).flatMap((other) => {
    const host = hosts.get(other.name);
    if (host?.kind === "unreached" || (host === undefined && other.hosts.length > 0)) return [];
    // A session stays valid for three minutes after its tunnel has failed.
    const isSilent = host !== undefined && !isFresh(latestView(host, node));
    return isCutOff?.(other) === true || isSilent ? [other.name] : [];
  });
}

const TUNNEL_KINDS: readonly Difference["kind"][] = [
  ...(["owner", "interface", "public-key", "listen-port", "address", "route"] as const),
];

type IsCutOff = (other: Node) => boolean;

/** For each failed check, the neighbours that the fault cuts off. */
const CUT_OFF_BY: Partial<Record<Check, (faulty: HostFacts) => IsCutOff>> = {
  interface: (faulty) =>
    allOrNone(runningDifferences(faulty).some(({ kind }) => TUNNEL_KINDS.includes(kind))),
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
  peers: (faulty) => {
    const differing = runningDifferences(faulty).flatMap((it) =>
      "publicKey" in it && it.kind !== "endpoint" ? [it.publicKey] : [],
    );
    const keys = new Set(differing);
    return (other) => keys.has(other.publicKey);
  },
};

function allOrNone(isCut: boolean): IsCutOff {
  return () => isCut;
}

function runningDifferences({ observed, wanted }: HostFacts): readonly Difference[] {
  return liveDifferences(observed, withKept(observed, wanted));
}

/** Hosts whose tunnels were not tested, because all of them lead to faulty hosts. `tried`: the hosts whose tunnels were pinged. */
export function untestedHosts(
  { plan, hosts }: Facts,
  tried: ReadonlyMap<string, unknown>,
): Set<string> {
  const index = indexLinks(plan.nodes, plan.links);
  const names = [...hosts.keys()].filter((name) => {
    const tested = index.neighbours(name).filter((other) => hosts.has(other.name));
    return tested.length > 0 && tested.every((other) => !tried.has(other.name));
  });
  return new Set(names);
}
