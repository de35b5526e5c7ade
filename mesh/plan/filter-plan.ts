/** What a host allows through its tunnel, as plain data: the input of mesh/render/filter.ts. */
import { contains, hostPrefix } from "../addresses";
import { addressesOf, type MeshConfig, type Node } from "../config/config";
import type { PortRange } from "../config/ports";
import { allowedIps } from "./allowed-ips";
import { filters } from "./links";
import type { LinkIndex } from "./paths";
import { prefixesNamed, type Policy } from "./policy";
import { interfacesOf } from "./rotation";

export interface FilterPlan {
  /** Names of the mesh's interfaces on this host. */
  interfaces: string[];
  /** Whether the host forwards packets. */
  forwards: boolean;
  /** Whether it also checks packets that it sends. A relay does: its own traffic enters the network there. */
  sends: boolean;
  /**
   * The sources whose connections another node has checked. A relay trusts `only` what other relays forward, without the
   * addresses of itself and its own peers in their ranges (`apart`). A peer trusts all sources `except` those of direct links
   * that the policy limits.
   */
  trusted: { only: string[]; apart: string[] } | { except: string[] };
  /** On a relay, the LANs that may send into the tunnel; null on a peer, whose next node checks them. */
  entrances: string[] | null;
  /** A connection is allowed if any rule matches. */
  rules: FilterRule[];
}

export interface FilterRule {
  /** Part of the names of its sets, unique in the table. */
  name: string;
  /** Prefixes that may start connections. */
  from: string[];
  /** Prefixes that they may start them to. */
  to: string[];
  /** Null: everything. A ping is always included; an empty list allows only a ping. */
  ports: PortRange[] | null;
}

/**
 * Each connection is checked once, where it enters: by the home relay of the node that starts it or, on a direct link, by the
 * peer that receives it. Null for a node that has nothing to check.
 */
export function planFilter(
  node: Node,
  config: MeshConfig,
  index: LinkIndex,
  policy: Policy,
): FilterPlan | null {
  if (!filters(node)) return null;
  return node.kind === "relay"
    ? relayFilter(node, config, index, policy)
    : peerFilter(node, config, index, policy);
}

function relayFilter(node: Node, config: MeshConfig, index: LinkIndex, policy: Policy): FilterPlan {
  const { network } = config;
  const neighbours = index.neighbours(node.name);
  const relays = neighbours.filter(({ kind }) => kind === "relay");
  const served = [node, ...neighbours.filter(({ kind }) => kind === "peer")];
  const ranges = relays.flatMap(({ peerRanges = [] }) => peerRanges);
  const own = served.flatMap(addressesOf);
  return {
    interfaces: interfacesOf(node, network),
    forwards: true,
    sends: true,
    trusted: {
      only: relays.flatMap((relay) => sourcesOf(relay, node, config, index, policy)),
      apart: own
        .filter((address) => ranges.some((range) => contains(range, address)))
        .map((address) => hostPrefix(address).text),
    },
    entrances: node.subnets.map(({ text }) => text),
    rules: rulesFor(policy, (from, to) => ({
      from: prefixesNamed(from, served, network),
      to: prefixesNamed(to, index.nodes, network),
    })),
  };
}

/** Null if everything may be started over its direct links. */
function peerFilter(
  node: Node,
  config: MeshConfig,
  index: LinkIndex,
  policy: Policy,
): FilterPlan | null {
  const { network } = config;
  const limited = index
    .neighbours(node.name)
    .filter((other) => other.kind === "peer" && !policy.isOpen(other, node));
  if (limited.length === 0) return null;
  const sources = limited.flatMap((other) => sourcesOf(other, node, config, index, policy));
  const targets = [...addressesOf(node).map(hostPrefix), ...node.subnets].map(({ text }) => text);
  return {
    interfaces: interfacesOf(node, network),
    forwards: node.subnets.length > 0,
    sends: false,
    trusted: { except: sources },
    entrances: null,
    rules: rulesFor(policy, (from, to) => ({
      from: from.includes("*") ? sources : prefixesNamed(from, limited, network),
      to: to.includes("*") ? targets : prefixesNamed(to, [node], network),
    })),
  };
}

/** The rules that concern a host, with the contents of its sets. */
function rulesFor(
  { rules }: Policy,
  prefixes: (from: string[], to: string[]) => Pick<FilterRule, "from" | "to">,
): FilterRule[] {
  return rules.flatMap(({ name, from, to, ports }) => {
    const sets = prefixes(from, to);
    return sets.from.length === 0 || sets.to.length === 0 ? [] : [{ name, ...sets, ports }];
  });
}

/** The source addresses that cryptokey routing accepts from a neighbour. */
function sourcesOf(
  neighbour: Node,
  node: Node,
  config: MeshConfig,
  index: LinkIndex,
  policy: Policy,
): string[] {
  return allowedIps(node, neighbour, config, index, policy).map(({ text }) => text);
}
