/** Why packets do not pass between two hosts that have no finding of their own. */
import { addressIn } from "../addresses";
import { resolve } from "../host/endpoints";
import { addressOf, isPrivate } from "../host/prefixes";
import { formatNumericEndpoint } from "../host/wireguard-state";
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
  /** Packets do not arrive at the other end, so the cause may be there. */
  isLostOnWay?: true;
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

function endpointCause({ facts, node, other, section }: End, hosts: Hosts): LinkCause | null {
  const endpoint = facts.wanted.main.peers.find(
    ({ publicKey }) => publicKey === section?.publicKey,
  )?.endpoint;
  if (endpoint === undefined || endpoint === null) return null;
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
  if (owner !== null) {
    return {
      ...found,
      cause: `${endpoint.isName ? endpoint.host : `the endpoint of ${other.name}`} is ${planned} for ${node.name}, ${owner}`,
      remedy: endpoint.isName
        ? `correct the DNS record of ${endpoint.host}, or /etc/hosts on ${node.name}: it is followed within 3 min. Or change the endpoint of ${other.name} in the stack file, then run npx wireguard-mesh up`
        : `correct the endpoint of ${other.name} in the stack file; then npx wireguard-mesh up`,
    };
  }
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
    const isAnswered = typeof other.probes?.pings.get(node.address.text) === "number";
    return isAnswered ? (latestView(other, node).endpoint?.address ?? []) : [];
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
    isLostOnWay: true,
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
