/** Why packets do not pass between two hosts that have no finding of their own. */
import { addressIn } from "../addresses";
import { resolve } from "../host/endpoints";
import { addressOf, isPrivate } from "../host/prefixes";
import type { WantedEndpoint } from "../host/wanted-interface";
import { formatNumericEndpoint, type NumericEndpoint } from "../host/wireguard-state";
import type { NodePlan } from "../plan/plan";
import type { Cause, HostFacts } from "./facts";
import { pingFirewall } from "./host-checks";
import { largestPing, type End, type HostLink } from "./links";
import { PING_HEADERS } from "./probes";
import { isFresh, latestView, receivedBetween } from "./tunnel-view";

export interface LinkCause extends Cause {
  /** The end to fix. */
  at: NodePlan;
  other: NodePlan;
  /** The cause is or may be at the other end: the same cause of several links is one finding. */
  isShared?: true;
}

type Hosts = ReadonlyMap<string, HostFacts>;

/** The cause of a link that does not work. */
export function noTrafficCause(link: HostLink, hosts: Hosts): LinkCause {
  const { near, far } = link;
  return (
    [near, far].map((end) => endpointCause(end, hosts)).find((cause) => cause !== null) ??
    lostPings(link) ??
    lostPackets(link)
  );
}

/**
 * The cause why a link that works now will not come back by itself: an end dials a wrong endpoint, and WireGuard has roamed to
 * the source of the other end's packets, such as a ping of `doctor`.
 */
export function roamedCause({ near, far }: HostLink, hosts: Hosts): LinkCause | null {
  for (const end of [near, far]) {
    const { facts, other } = end;
    const endpoint = plannedEndpoint(end);
    // A host that differs from the plan may still have another endpoint.
    if (endpoint === null || facts.drift.length > 0) continue;
    const targets = resolve(endpoint, facts.observed).map(({ address }) => address);
    const running = runningEndpoint(end)?.address;
    if (running !== undefined && targets.includes(running)) continue;
    const [planned] = targets;
    const owner = planned === undefined ? null : otherOwner(planned, other, hosts);
    if (planned === undefined || owner === null) continue;
    const wrong = wrongEndpoint(end, endpoint, planned, owner);
    const works = `the tunnel works until it is restarted, because packets came from ${other.name}`;
    return { ...wrong, cause: `${wrong.cause}; ${works}` };
  }
  return null;
}

function plannedEndpoint({ facts, section }: End): WantedEndpoint | null {
  const { peers } = facts.wanted.main;
  return peers.find(({ publicKey }) => publicKey === section?.publicKey)?.endpoint ?? null;
}

function runningEndpoint({ facts, section }: End): NumericEndpoint | null {
  const { observed, later, wanted } = facts;
  const peers = (later ?? observed).devices.get(wanted.main.name)?.peers;
  return peers?.get(section?.publicKey ?? "")?.endpoint ?? null;
}

/** The endpoint leads to `address`; `owner` as otherOwner describes it. */
function wrongEndpoint(
  { node, other }: End,
  endpoint: WantedEndpoint,
  address: string,
  owner: string,
): LinkCause {
  const found = { check: "endpoint", at: node, other } as const;
  if (!endpoint.isName) {
    return {
      ...{ ...found, isShared: true },
      cause: `the endpoint of ${other.name} is ${address}, ${owner}`,
      remedy: `correct the endpoint of ${other.name} in the stack file; then npx wireguard-mesh up`,
    };
  }
  const { host } = endpoint;
  return {
    ...found,
    cause: `${host} is ${address} for ${node.name}, ${owner}`,
    remedy: `correct the DNS record of ${host}, or /etc/hosts on ${node.name}: it is followed within 3 min. Or change the endpoint of ${other.name} in the stack file, then run npx wireguard-mesh up`,
  };
}

function endpointCause(end: End, hosts: Hosts): LinkCause | null {
  const { facts, node, other } = end;
  const endpoint = plannedEndpoint(end);
  if (endpoint === null) return null;
  const found = { check: "endpoint", at: node, other } as const;
  if (endpoint.isName && resolve(endpoint, facts.observed).length === 0) {
    return {
      ...found,
      cause: `${endpoint.host}, the endpoint of ${other.name}, does not resolve there`,
      remedy: `see on ${node.name}: getent hosts ${endpoint.host}; its DNS server, or the endpoint in the stack file, is wrong`,
    };
  }
  const [planned] = resolve(endpoint, facts.observed).map(({ address }) => address);
  const owner = planned === undefined ? null : otherOwner(planned, other, hosts);
  if (planned !== undefined && owner !== null) return wrongEndpoint(end, endpoint, planned, owner);
  const dialled = latestView(facts, other).endpoint?.address;
  const former = dialled === undefined ? null : otherOwner(dialled, other, hosts);
  if (former === null) return null;
  return {
    ...found,
    cause: `it dials ${other.name} at ${dialled}, ${former}; planned is ${endpoint.text}`,
    // The endpoint of a younger session may have roamed (mesh/host/endpoints.ts).
    remedy: `3 min after its last handshake: npx wireguard-mesh repush ${node.name}`,
  };
}

/** Describes the owner of an address; null if it belongs to `node`, or may. */
function otherOwner(address: string, node: NodePlan, hosts: Hosts): string | null {
  const own = knownAddresses(node, hosts);
  if (own.has(address)) return null;
  const owner = [...hosts.values()].find(
    (one) => one.node !== node && knownAddresses(one.node, hosts).has(address),
  );
  if (owner !== undefined) return `which is ${owner.node.name}, not ${node.name}`;
  const isIpv6 = address.includes(":");
  const outer = [...own].filter((it) => !isPrivate(it) && it.includes(":") === isIpv6);
  // The outer address of a node behind NAT is unknown.
  return outer.length === 0 ? null : `which is not ${node.name} (${outer.join(", ")})`;
}

/** A node's addresses outside the tunnel: on its interfaces, in the stack file, and where other nodes reach it. */
function knownAddresses(node: NodePlan, hosts: Hosts): Set<string> {
  const own = hosts.get(node.name);
  const { observed, wanted } = own ?? {};
  const links = [...(observed?.network.links.values() ?? [])];
  const reached = [...hosts.values()].flatMap((other) => {
    const pings = [
      other.probes?.pings.get(node.address.text),
      own?.probes?.pings.get(other.node.address.text),
    ];
    return pings.some((ping) => typeof ping === "number")
      ? (latestView(other, node).endpoint?.address ?? [])
      : [];
  });
  return new Set([
    ...links
      .filter(({ name }) => name !== wanted?.main.name)
      .flatMap(({ addresses }) => addresses.map(addressOf)),
    ...node.hosts.flatMap((host) =>
      host.kind === "ssh" && addressIn(host.address) !== null ? [host.address] : [],
    ),
    ...reached,
  ]);
}

/** The tunnel carries packets, but one end drops pings. */
function lostPings({ near, far }: HostLink): LinkCause | null {
  const passes = [near, far].every(({ facts, other }) => (receivedBetween(facts, other) ?? 0) > 0);
  const isUp = [near, far].some(({ facts, other }) => isFresh(latestView(facts, other)));
  if (!passes || !isUp) return null;
  const dropping = [far, near].find(({ facts }) => pingFirewall(facts) !== null) ?? far;
  return {
    ...(pingFirewall(dropping.facts) ?? {
      check: "ping",
      cause: `its tunnel to ${dropping.other.name} works, but it answers no ping that comes out of it`,
      remedy: `see on ${dropping.node.name}: sudo nft list ruleset; sysctl net.ipv4.icmp_echo_ignore_all`,
    }),
    at: dropping.node,
    other: dropping.other,
  };
}

/** Both ends have the planned keys and no firewall that blocks the port, so packets are lost between them. */
function lostPackets({ near, far }: HostLink): LinkCause {
  const arrived = receivedBetween(far.facts, near.node) ?? 0;
  const came = receivedBetween(near.facts, far.node) ?? 0;
  const { endpoint } = latestView(near.facts, far.node);
  const place = endpoint === null ? "its endpoint" : formatNumericEndpoint(endpoint);
  const port = endpoint?.port ?? far.node.listenPort ?? 0;
  const found = { check: "UDP", at: near.node, other: far.node } as const;
  if (arrived > 0 && came === 0) {
    const isCompared = isPresharedKeyCompared(near.facts, far.node);
    return {
      ...found,
      cause: `its packets arrive at ${far.node.name}, but no answer comes back${isCompared ? "" : ", or they have different preshared keys, which could not be compared"}`,
      remedy: `let UDP answers from ${place} in, on ${near.node.name} and its router; on it, this shows what comes: sudo tcpdump -ni any udp port ${port}`,
    };
  }
  const isSeen = far.facts.later !== null;
  return {
    ...found,
    isShared: true,
    cause: isSeen
      ? `nothing that it sends to ${place} (UDP) arrives at ${far.node.name}`
      : `it gets no answer from ${far.node.name} at ${place} (UDP)`,
    remedy:
      `let UDP port ${port} in, in the firewall of ${far.node.name}'s provider or router; if packets do arrive there ` +
      `(sudo tcpdump -ni any udp port ${port}), a clock was set back: restart ${far.facts.wanted.main.name} there`,
  };
}

function isPresharedKeyCompared({ observed, wanted }: HostFacts, other: NodePlan): boolean {
  const peer = observed.devices.get(wanted.main.name)?.peers.get(other.publicKey);
  return peer?.presharedKey !== "set";
}

/** The cause if small packets pass a link, but larger ones are lost. */
export function mtuCause(link: HostLink): LinkCause | null {
  const largest = largestPing(link);
  const lost = [link.near, link.far].flatMap(({ facts, other }) => {
    const size = facts.probes?.sizes.get(other.address.text);
    return size === undefined || size >= largest ? [] : [size];
  });
  if (lost.length === 0) return null;
  const { node: at } = link.near;
  const { node: other } = link.far;
  const mtu = Math.min(...lost) + PING_HEADERS;
  const list = at.kind === "relay" ? "relays" : "peers";
  return {
    ...{ check: "MTU", at, other },
    cause: `packets of more than ${mtu} bytes are lost between it and ${other.name}, and the MTU of the tunnel is ${largest + PING_HEADERS}`,
    remedy: `set ${list}.${at.name}.mtu to ${mtu} in the stack file, then run npx wireguard-mesh up`,
  };
}
