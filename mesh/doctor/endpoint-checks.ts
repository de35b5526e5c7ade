/** Whether the planned endpoint of a link leads to its other end. */
import { addressIn } from "../addresses";
import { resolve } from "../host/endpoints";
import { addressOf, isPrivate } from "../host/prefixes";
import type { WantedEndpoint } from "../host/wanted-interface";
import { formatNumericEndpoint, type NumericEndpoint } from "../host/wireguard-state";
import type { NodePlan } from "../plan/plan";
import { shortList } from "../review/short-list";
import type { Facts, HostFacts } from "./facts";
import { linksBetween, wasDown, works, type End, type HostLink, type LinkCause } from "./links";
import { latestView } from "./tunnel-view";

type Hosts = ReadonlyMap<string, HostFacts>;

/** The cause of a link that does not work, if it is the endpoint that this end dials. */
export function endpointCause(end: End, hosts: Hosts): LinkCause | null {
  const { facts, node, other } = end;
  const endpoint = plannedEndpoint(end);
  if (endpoint === null) return null;
  const found = { check: "endpoint", at: node, other } as const;
  const [planned] = resolve(endpoint, facts.observed).map(({ address }) => address);
  if (planned === undefined) {
    return {
      ...found,
      cause: `${endpoint.host}, the endpoint of ${other.name}, does not resolve there`,
      remedy: `see on ${node.name}: getent hosts ${endpoint.host}; its DNS server, or the endpoint in the stack file, is wrong`,
    };
  }
  const owner = otherOwner(planned, other, hosts);
  if (owner !== null) return wrongEndpoint(end, endpoint, planned, owner);
  const dialled = latestView(facts, other).endpoint?.address;
  const former = dialled === undefined ? null : otherOwner(dialled, other, hosts);
  if (former === null) return null;
  return {
    ...found,
    cause: `it dials ${other.name} at ${dialled}, ${former}; planned is ${endpoint.text}`,
    // The endpoint of a younger session may have roamed (mesh/host/endpoints.ts).
    remedy: `wait until the last handshake with ${other.name} is more than 3 min ago, then: npx wireguard-mesh repush ${node.name}`,
  };
}

/**
 * The cause why a link that works now will not come back after a restart: WireGuard has roamed from a wrong endpoint to the source
 * of the other end's packets, such as a ping of `doctor`.
 */
export function roamedCause({ near, far }: HostLink, hosts: Hosts): LinkCause | null {
  for (const end of [near, far]) {
    const roamed = roamedFrom(end);
    if (roamed === null) continue;
    const { endpoint, planned } = roamed;
    const { node, other } = end;
    const meanwhile = `; the tunnel works until it is restarted, because packets came from ${other.name}`;
    const owner = otherHost(planned.address, other, hosts, ownAddresses);
    if (owner !== null)
      return { ...wrongEndpoint(end, endpoint, planned.address, owner), meanwhile };
    if (!wasDown(end)) continue;
    return {
      ...{ check: "endpoint", at: node, other, isShared: true },
      cause: `nothing answered at ${formatNumericEndpoint(planned)}, the endpoint of ${other.name}`,
      remedy: `correct the endpoint of ${other.name} in the stack file, then npx wireguard-mesh up; or open its UDP port in its firewall or router`,
      meanwhile,
    };
  }
  return null;
}

/**
 * Notes on tunnels that work at another address than the planned one, which is none that the other end is known to have. That is
 * no finding: where an address is translated, both may be right.
 */
export function roamedNotes(facts: Facts, hosts: Hosts): string[] {
  const links = linksBetween(facts, hosts).filter(works);
  const ends = links
    .filter((link) => roamedCause(link, hosts) === null)
    .flatMap(({ near, far }) => [near, far])
    .flatMap((end) => noteOn(end, hosts));
  const groups = Map.groupBy(ends, ({ text }) => text);
  return [...groups].map(([text, all]) => `${shortList(all.map(({ name }) => name))}: ${text}`);
}

function noteOn(end: End, hosts: Hosts): { name: string; text: string }[] {
  const roamed = roamedFrom(end);
  if (roamed === null) return [];
  const { planned, running } = roamed;
  const { name } = end.other;
  const known = ownAddresses(end.other, hosts);
  if (known.has(planned.address) || outerAddresses(known, planned.address).length === 0) return [];
  const text = `the tunnel to ${name} works at ${running.address}, and its endpoint is ${planned.address}: if that is not ${name}, correct it in the stack file, or the tunnel does not come back after a restart`;
  return [{ name: end.node.name, text }];
}

interface Roamed {
  endpoint: WantedEndpoint;
  planned: NumericEndpoint;
  running: NumericEndpoint;
}

/** Null if the tunnel uses a planned endpoint, or the host differs from the plan and so may have had another one. */
function roamedFrom(end: End): Roamed | null {
  const { facts, section } = end;
  const { observed, later, wanted, drift } = facts;
  const endpoint = plannedEndpoint(end);
  if (endpoint === null || drift.length > 0) return null;
  const peers = (later ?? observed).devices.get(wanted.main.name)?.peers;
  const running = peers?.get(section?.publicKey ?? "")?.endpoint ?? null;
  const targets = resolve(endpoint, observed);
  const [planned] = targets;
  if (running === null || planned === undefined) return null;
  return targets.some(({ address }) => address === running.address)
    ? null
    : { endpoint, planned, running };
}

function plannedEndpoint({ facts, section }: End): WantedEndpoint | null {
  const { peers } = facts.wanted.main;
  return peers.find(({ publicKey }) => publicKey === section?.publicKey)?.endpoint ?? null;
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

/** Describes the owner of an address; null if it belongs to `node`, or may. */
function otherOwner(address: string, node: NodePlan, hosts: Hosts): string | null {
  const own = knownAddresses(node, hosts);
  if (own.has(address)) return null;
  const owner = otherHost(address, node, hosts, knownAddresses);
  if (owner !== null) return owner;
  const outer = outerAddresses(own, address);
  // The outer address of a node behind NAT is unknown.
  return outer.length === 0 ? null : `which is not ${node.name} (${outer.join(", ")})`;
}

/** Describes the host that has an address, if it is not `node`. Nodes behind one router are reached at the same address. */
function otherHost(
  address: string,
  node: NodePlan,
  hosts: Hosts,
  addressesOf: (node: NodePlan, hosts: Hosts) => ReadonlySet<string>,
): string | null {
  if (addressesOf(node, hosts).has(address)) return null;
  const owner = [...hosts.values()].find(
    (one) => one.node !== node && addressesOf(one.node, hosts).has(address),
  );
  return owner === undefined ? null : `which is ${owner.node.name}, not ${node.name}`;
}

/** Those of the same family as `address` that are not private. */
function outerAddresses(own: ReadonlySet<string>, address: string): string[] {
  const isIpv6 = address.includes(":");
  return [...own].filter((it) => !isPrivate(it) && it.includes(":") === isIpv6);
}

/** A node's addresses outside the tunnel, also where other nodes reach it. */
function knownAddresses(node: NodePlan, hosts: Hosts): Set<string> {
  const own = hosts.get(node.name);
  const reached = [...hosts.values()].flatMap((other) => {
    const pings = [
      other.probes?.pings.get(node.address.text),
      own?.probes?.pings.get(other.node.address.text),
    ];
    return pings.some((ping) => typeof ping === "number")
      ? (latestView(other, node).endpoint?.address ?? [])
      : [];
  });
  return new Set([...ownAddresses(node, hosts), ...reached]);
}

/** A node's addresses outside the tunnel: on its interfaces and in the stack file. */
function ownAddresses(node: NodePlan, hosts: Hosts): Set<string> {
  const { observed, wanted } = hosts.get(node.name) ?? {};
  const links = [...(observed?.network.links.values() ?? [])];
  return new Set([
    ...links
      .filter(({ name }) => name !== wanted?.main.name)
      .flatMap(({ addresses }) => addresses.map(addressOf)),
    ...node.hosts.flatMap((host) =>
      host.kind === "ssh" && addressIn(host.address) !== null ? [host.address] : [],
    ),
  ]);
}
