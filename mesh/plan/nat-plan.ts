/** Address translation of a host, as plain data: the input of mesh/render/nat.ts. */
import { hostPrefix } from "../addresses";
import { addressesOf, tunnelPrefixes, type MeshConfig, type Node } from "../config/config";
import { interfacesOf } from "./rotation";

export interface NatPlan {
  /** Names of the mesh's interfaces on this host. */
  interfaces: string[];
  /** On an exit: the tunnel addresses of its peers with `routeAll`, as prefixes. Empty: not an exit. */
  leaving: string[];
  /** The tunnel's prefixes and all LANs: everything else is outside. */
  inside: string[];
  /** On a gateway: its LANs that are mapped to another prefix. */
  mapped: { lan: string; as: string }[];
  /** On a gateway that masquerades: its LANs by their own prefixes, and all other prefixes inside. */
  lans: { of: string[]; from: string[] } | null;
}

/** Null for a node that does not translate addresses. */
export function planNat(node: Node, { nodes, network }: MeshConfig): NatPlan | null {
  const leaving = node.exit === true ? leavingThrough(node, nodes) : [];
  const masquerades = node.masquerade === true && node.subnets.length > 0;
  const mapped = node.subnets.flatMap(({ text, lan }) =>
    lan === undefined ? [] : [{ lan: lan.text, as: text }],
  );
  if (leaving.length === 0 && !masquerades && mapped.length === 0) return null;
  const tunnels = tunnelPrefixes(network);
  const lansOf = (some: readonly Node[]) => some.flatMap(({ subnets }) => subnets);
  const texts = (prefixes: readonly { text: string }[]) => prefixes.map(({ text }) => text);
  const others = nodes.filter(({ name }) => name !== node.name);
  return {
    interfaces: interfacesOf(node, network),
    leaving,
    inside: texts([...tunnels, ...lansOf(nodes)]),
    mapped,
    lans: masquerades
      ? {
          of: texts(node.subnets.map((subnet) => subnet.lan ?? subnet)),
          from: texts([...tunnels, ...lansOf(others)]),
        }
      : null,
  };
}

/** The relay through which a peer's traffic leaves, by name of the peer. */
export function exitsOf(nodes: readonly Node[]): Record<string, string> {
  const peers = nodes.flatMap(({ name, relay, routeAll }) =>
    routeAll === true && relay !== null ? [[name, relay] as const] : [],
  );
  return Object.fromEntries(peers);
}

function leavingThrough(relay: Node, nodes: readonly Node[]): string[] {
  const exits = exitsOf(nodes);
  return nodes
    .filter(({ name }) => exits[name] === relay.name)
    .flatMap(addressesOf)
    .map((address) => hostPrefix(address).text);
}
