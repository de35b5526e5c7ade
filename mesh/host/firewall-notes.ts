/** Notes on the host's packet filter, from an observation. */
import { servesDns } from "./dns-server";
import { firewallFindings, firewallWords, type TunnelNeeds } from "./firewall";
import type { Observation } from "./observation";
import { prefixOf } from "./prefixes";
import type { Wanted } from "./wanted";

/**
 * One sentence for each thing that the host's packet filter blocks. Blocked pings are reported only if a ping was lost: a host
 * may accept SSH only.
 */
export function firewallNotes(observed: Observation, wanted: Wanted): string[] {
  const needs = tunnelNeeds(observed, wanted);
  const isPingLost = observed.pings.some(({ answered }) => !answered);
  return firewallFindings(observed, needs)
    .filter(({ blocked }) => blocked !== "pings" || isPingLost)
    .map((finding) => firewallWords(finding, needs));
}

export function tunnelNeeds(observed: Observation, wanted: Wanted): TunnelNeeds {
  const { main, forwarding, filter } = wanted;
  const outer = outerDevice(observed);
  const leavesBy = leavesAnywhere(filter ?? "") ? outer : null;
  return {
    interface: main.name,
    listenPort: main.listenPort,
    outerDevice: outer,
    forwards: forwarding.ipv4,
    forwards6: forwarding.ipv6,
    ...(leavesBy === null ? {} : { leavesBy }),
    tunnel: main.addresses.flatMap((address) => prefixOf(address)?.text ?? []),
    dns: servesDns(wanted),
  };
}

/** Whether a table masquerades traffic to any address, as on an exit. */
function leavesAnywhere(table: string): boolean {
  const lines = table.split("\n").filter((line) => /\bmasquerade\b/.test(line));
  return lines.some((line) => !/ daddr (?!!= )/.test(line));
}

/** The interface of the IPv4 default route. */
function outerDevice({ network }: Observation): string | null {
  const found = network.routes.find(
    ({ prefix, table, gateway, device }) =>
      prefix === "default" &&
      table === "main" &&
      device !== null &&
      gateway?.includes(":") !== true,
  );
  return found?.device ?? null;
}
