/** Findings about devices, from the handshakes that their neighbours report. */
import { indexLinks } from "../plan/paths";
import type { NodePlan } from "../plan/plan";
import type { Facts, Finding, HostFacts } from "./facts";
import { isFresh, latestView, viewOf } from "./tunnel-view";

/** Only for devices that the user named: any other may just be switched off. */
export function deviceFindings(
  facts: Facts,
  hosts: ReadonlyMap<string, HostFacts>,
  hostFindings: readonly Finding[],
): Finding[] {
  const faulty = new Set(hostFindings.map(({ node }) => node));
  return silentDevices(facts, hosts)
    .filter(({ node, seenBy }) => facts.names.includes(node.name) && !faulty.has(seenBy.node.name))
    .map(({ node, seenBy }): Finding => {
      const isOutdated = facts.outdated.includes(node.name);
      return {
        ...{ node: node.name, check: "handshake", affects: [] },
        cause: `${lastHandshakeText(node, seenBy)}${isOutdated ? ", and it does not have its present config" : ""}`,
        remedy: isOutdated
          ? `give it its present config: npx wireguard-mesh qr ${node.name}`
          : `switch its tunnel on; if it is on, and others reach ${seenBy.node.name}, give it its config again: npx wireguard-mesh qr ${node.name}`,
      };
    });
}

interface SilentDevice {
  node: NodePlan;
  /** The neighbour with the latest handshake. */
  seenBy: HostFacts;
}

export function silentDevices(
  { plan }: Facts,
  hosts: ReadonlyMap<string, HostFacts>,
): SilentDevice[] {
  const index = indexLinks(plan.nodes, plan.links);
  return plan.nodes.flatMap((node) => {
    if (node.hosts.length > 0) return [];
    const seen = index.neighbours(node.name).flatMap(({ name }) => hosts.get(name) ?? []);
    const ageOf = (host: HostFacts) => latestView(host, node).age ?? Infinity;
    const [seenBy] = seen.sort((one, other) => ageOf(one) - ageOf(other));
    if (seenBy === undefined || isFresh(latestView(seenBy, node))) return [];
    return [{ node, seenBy }];
  });
}

function lastHandshakeText(node: NodePlan, seenBy: HostFacts): string {
  const { age } = viewOf(seenBy, seenBy.observed, node);
  const { name } = seenBy.node;
  if (age === null) return `${name} has had no handshake with it since ${name}'s tunnel came up`;
  return `its last handshake with ${name} was ${Math.round(age / 60)} min ago`;
}
