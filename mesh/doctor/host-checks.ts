/** The checks of a single host, from its own answer. The first one that fails is its finding. */
import { changeLanRemedy, foreignRoute, shadowedLan } from "../host/change-refusals";
import { clockApart } from "../host/clock";
import type { Difference } from "../host/difference";
import { liveDifferences } from "../host/differences";
import { firewallCause, firewallFindings, type FirewallFinding } from "../host/firewall";
import { tunnelNeeds } from "../host/firewall-notes";
import { formatDifference } from "../host/format-difference";
import { withKept } from "../host/kept";
import type { Observation } from "../host/observation";
import { prefixOf } from "../host/prefixes";
import { refusal } from "../host/refusals";
import { allowedPrefixes } from "../host/route-differences";
import { missingFor, missingTool } from "../host/tools";
import type { Cause, Check, HostFacts } from "./facts";

type HostCheck = (facts: HostFacts, names: ReadonlyMap<string, string>) => Cause | null;

/** The cause that keeps the host's tunnels from working. `names`: the nodes' names by public key. */
export const blockingCause: HostCheck = (facts, names) => firstOf(BLOCKING_CHECKS, facts, names);

/** A cause that does not affect running tunnels, but the next boot or the next push. */
export const otherCause: HostCheck = (facts, names) => firstOf(OTHER_CHECKS, facts, names);

function firstOf(
  checks: readonly HostCheck[],
  facts: HostFacts,
  names: ReadonlyMap<string, string>,
): Cause | null {
  for (const check of checks) {
    const cause = check(facts, names);
    if (cause !== null) return cause;
  }
  return null;
}

function tools({ observed, wanted }: HostFacts): Cause | null {
  const missing = missingTool(observed) ?? missingFor(observed, wanted);
  if (missing === null) return null;
  const cause = missing.cause.replace(/,? (and|which) could not be installed/, "");
  return { check: "tools", cause, remedy: missing.remedy };
}

function wireGuard({ observed, wanted }: HostFacts): Cause | null {
  const refused = refusal(observed, wanted);
  if (refused === null) return null;
  const cause = refused.cause.replace(/[;:] (nothing was changed|it was not touched)$/, "");
  return { check: "WireGuard", cause, remedy: refused.remedy };
}

function clock({ observed, queriedAt }: HostFacts): Cause | null {
  const apart = clockApart(observed.now, queriedAt);
  if (apart === null) return null;
  return {
    check: "clock",
    cause: `${apart}; WireGuard refuses the handshakes of a host whose clock has gone back, until that clock has caught up`,
    remedy: "set the clock that is wrong: sudo timedatectl set-ntp true",
  };
}

/** A LAN of the host that a prefix of the tunnel hides, or a conflicting route of another program. */
function addresses({ node, observed, wanted }: HostFacts): Cause | null {
  const { main } = wanted;
  const tunnel = [
    ...allowedPrefixes(main).values(),
    ...main.addresses.flatMap((address) => prefixOf(address) ?? []),
  ];
  const lan = shadowedLan(observed, wanted, tunnel);
  if (lan !== null) {
    return {
      check: "addresses",
      cause: `${lan.prefix} leads into the tunnel, and this host is in that network itself, by ${lan.device}: only one of the two can be reached`,
      remedy: `${changeLanRemedy(node.name)}; see docs/home-lan.md`,
    };
  }
  const route = foreignRoute(observed, wanted);
  if (route === null) return null;
  const cause = route.cause.replace(/: nothing was changed$/, "");
  return { check: "addresses", cause, remedy: route.remedy };
}

/** A check that fails if the running host has a difference that `isMeant` selects. */
function differenceCheck(check: Check, isMeant: (difference: Difference) => boolean): HostCheck {
  return ({ node, observed, wanted }, names) => {
    const live = liveDifferences(observed, withKept(observed, wanted)).filter(isMeant);
    if (live.length === 0) return null;
    const { name } = wanted.main;
    const lines = live.map((difference) => formatDifference(difference, names, name));
    return { check, cause: [...new Set(lines)].join("; "), remedy: repush(node.name, observed) };
  };
}

function repush(name: string, { records }: Observation): string {
  const again = `npx wireguard-mesh repush ${name}`;
  // Without an owner mark the host was most likely never pushed to, so repush would refuse.
  return records.owner === null
    ? `npx wireguard-mesh up (if that has nothing to do: ${again})`
    : `${again} (or npx wireguard-mesh up, if the stack file has changed since the last one)`;
}

const INTERFACE_KINDS: readonly Difference["kind"][] = [
  ...(["owner", "interface", "public-key", "listen-port", "mtu", "address", "route"] as const),
];
const PEER_KINDS: readonly Difference["kind"][] = [
  "peer",
  "preshared-key",
  "allowed-ip",
  "session",
];

/** A check that fails if a firewall of the host blocks something that `isMeant` selects. */
function firewall(isMeant: (blocked: FirewallFinding["blocked"]) => boolean) {
  return ({ observed, wanted }: HostFacts): Cause | null => {
    const needs = tunnelNeeds(observed, wanted);
    const found = firewallFindings(observed, needs).find(({ blocked }) => isMeant(blocked));
    if (found === undefined) return null;
    return { check: "firewall", cause: firewallCause(found, needs), remedy: found.command };
  };
}

/** Not a blocking check: only the pings in link-checks.ts show whether blocked pings matter. */
export const pingFirewall = firewall((blocked) => blocked === "pings");

const BLOCKING_CHECKS: readonly HostCheck[] = [
  tools,
  wireGuard,
  clock,
  addresses,
  differenceCheck("interface", ({ kind }) => INTERFACE_KINDS.includes(kind)),
  differenceCheck("forwarding", (it) => it.kind === "sysctl" && it.wanted !== "0"),
  firewall((blocked) => blocked !== "pings"),
  differenceCheck("peers", ({ kind }) => PEER_KINDS.includes(kind)),
  differenceCheck("policy", ({ kind }) => kind === "filter"),
];

function drift({ node, observed, wanted, drift: lines }: HostFacts): Cause | null {
  if (lines.length === 0) return null;
  const isLive = liveDifferences(observed, withKept(observed, wanted)).length > 0;
  const cause = lines.join("; ");
  return { check: isLive ? "drift" : "boot", cause, remedy: repush(node.name, observed) };
}

const FULL = { space: "no space left", inodes: "no inodes left", "read-only": "read-only" };
const FULL_REMEDY = {
  space: (place: string) => `make room there: sudo du -xh ${place} | sort -h | tail`,
  inodes: (place: string) =>
    `remove small files there: sudo du -x --inodes ${place} | sort -n | tail`,
  "read-only": (place: string) =>
    `see why (dmesg | tail; findmnt -T ${place}), then: sudo mount -o remount,rw the mount point`,
};

function disk({ probes }: HostFacts): Cause | null {
  const [found] = probes?.full ?? [];
  if (found === undefined) return null;
  const { place, why } = found;
  return {
    check: "disk",
    cause: `${place}: ${FULL[why]}, so no change can be written to this host`,
    remedy: FULL_REMEDY[why](place),
  };
}

const OTHER_CHECKS: readonly HostCheck[] = [drift, disk];
