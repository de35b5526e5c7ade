/** Why packets, or large ones, do not pass between two hosts that have no finding of their own. */
import { formatNumericEndpoint } from "../host/wireguard-state";
import type { NodePlan } from "../plan/plan";
import { endpointCause } from "./endpoint-checks";
import type { HostFacts } from "./facts";
import { pingFirewall } from "./host-checks";
import { largestPing, type HostLink, type LinkCause } from "./links";
import { PING_HEADERS } from "./probes";
import { isFresh, latestView, receivedBetween } from "./tunnel-view";

type Hosts = ReadonlyMap<string, HostFacts>;

/** The cause of a link that does not work. */
export function noTrafficCause(link: HostLink, hosts: Hosts): LinkCause {
  const { near, far } = link;
  const causes = [near, far].map((end) => endpointCause(end, hosts));
  return causes.find((cause) => cause !== null) ?? lostPings(link) ?? lostPackets(link);
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
      remedy: `let UDP answers from ${place} in, on ${near.node.name} and its router; to see what arrives, on ${near.node.name}: sudo tcpdump -ni any udp port ${port}`,
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
      `open UDP port ${port} in the firewall of ${far.node.name}'s provider or router; if packets do arrive there ` +
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
