/** Key rotation: which key each interface has, and for which keys the neighbours have peer sections. */
import {
  defaultRotationPort,
  type Endpoint,
  type MeshConfig,
  type Network,
  type Node,
} from "../config/config";
import { jumpRelays } from "./jump-relays";
import { dialledEndpoint } from "./links";
import type { LinkIndex } from "./paths";
import type { PeerSection } from "./peer-section";

/** A relay's second WireGuard interface: same peers, its next key, another port. */
export interface AlternatePlan {
  interface: string;
  publicKey: string;
  listenPort: number;
  sections: PeerSection[];
}

/** What a host does during a key rotation. Contains no secrets. */
export interface RotationPlan {
  pairs: RotatingKeys[];
  /** Public keys of peers that must complete a handshake after a change, or the host undoes it. */
  mustShake: string[];
}

/** Two keys of one neighbour. The key with the latest handshake gets the allowed IPs. */
interface RotatingKeys {
  current: string;
  next: string;
  allowedIps: string[];
}

/** A key of a neighbour for which a node has a peer section. */
export interface KnownKey {
  publicKey: string;
  which: "current" | "next";
  /** Whether this section has the allowed IPs. With two keys the current one has them at first. */
  routed: boolean;
  endpoint: Endpoint | null;
}

/** The name of the second interface: at most 15 characters (wg-quick(8)) and different from `name`. */
export function alternateName(name: string): string {
  const alternate = `${name.slice(0, 10)}-next`;
  return alternate === name ? `${name.slice(0, 10)}-rotn` : alternate;
}

/** Names of the mesh's interfaces on the node's host; the second one of a relay exists only during a rotation. */
export function interfacesOf({ kind }: Node, network: Network): string[] {
  const first = network.interface;
  return kind === "relay" ? [first, alternateName(first)] : [first];
}

/** Reports whether the node itself already has its next key. */
export function holdsNextKey(node: Node): boolean {
  return node.nextPublicKey !== null && node.ownKey === "next";
}

/** The node's current key and, during a rotation, its next key. */
export function publicKeysOf({ publicKey, nextPublicKey }: Node): string[] {
  return nextPublicKey === null ? [publicKey] : [publicKey, nextPublicKey];
}

/** Node names by public key; a node with a rotation in progress is under both keys. */
export function namesByKey(nodes: readonly Node[]): Map<string, string> {
  return new Map(
    nodes.flatMap((node) => publicKeysOf(node).map((key) => [key, node.name] as const)),
  );
}

/** The key of the node's first interface. A relay keeps its current key there and serves the next one on the second. */
export function interfaceKey(node: Node): string {
  return node.kind === "peer" && holdsNextKey(node) && node.nextPublicKey !== null
    ? node.nextPublicKey
    : node.publicKey;
}

/**
 * Reports whether the node has a second interface: a relay that moves to its next key. Two interfaces never have the same key:
 * peers would roam between them, and lose their session when one is removed.
 */
export function hasSecondInterface(node: Node): boolean {
  return node.kind === "relay" && holdsNextKey(node);
}

/** The UDP ports that a relay has now and after its next rotation, which swaps the two; in ascending order. */
export function relayPorts(
  { listenPort, rotationPort }: Node,
  network: Pick<Network, "listenPort">,
): number[] {
  const port = listenPort ?? network.listenPort;
  return [port, rotationPort ?? defaultRotationPort(port)].sort((a, b) => a - b);
}

/**
 * The keys of `neighbour` for which `viewer` has peer sections. For a relay, one: the next key, at its rotation port, once the
 * relay serves it. For a peer with a rotation in progress, both, so that either works; but a viewer without a host cannot move
 * allowed IPs between two keys, so it has only the key that the peer uses.
 */
export function keysKnownBy(viewer: Node, neighbour: Node): KnownKey[] {
  const endpoint = dialledEndpoint(viewer, neighbour);
  const current = { publicKey: neighbour.publicKey, which: "current", routed: true } as const;
  const { nextPublicKey } = neighbour;
  if (nextPublicKey === null) return [{ ...current, endpoint }];
  const next = { publicKey: nextPublicKey, which: "next", endpoint } as const;
  if (neighbour.kind === "relay") {
    const second = atPort(endpoint, neighbour.rotationPort);
    return holdsNextKey(neighbour)
      ? [{ ...next, routed: true, endpoint: second }]
      : [{ ...current, endpoint }];
  }
  if (viewer.hosts.length > 0) {
    return [
      { ...current, endpoint },
      { ...next, routed: false },
    ];
  }
  return holdsNextKey(neighbour) ? [{ ...next, routed: true }] : [{ ...current, endpoint }];
}

/** What the node's host does during a key rotation; null if nothing or if it has no host. */
export function planRotation(
  node: Node,
  sections: readonly PeerSection[],
  config: MeshConfig,
  index: LinkIndex,
): RotationPlan | null {
  if (node.hosts.length === 0) return null;
  const pairs = [...Map.groupBy(sections, ({ name }) => name).values()].flatMap(pairOf);
  const mustShake = sections
    .filter((section) => section.endpoint !== null && mustHandshake(node, section, index))
    .map((section) => section.publicKey);
  return pairs.length === 0 && mustShake.length === 0 && !hasSecondInterface(node)
    ? null
    : { pairs, mustShake };
}

/**
 * Reports whether the node pings all its neighbours after a change. A peer with a new key does, because the nodes that dial
 * it would not notice the change until their next handshake.
 */
export function announcesKey(node: Node): boolean {
  return node.kind === "peer" && holdsNextKey(node);
}

/** The keys of a neighbour with two sections. */
function pairOf([current, next]: PeerSection[]): RotatingKeys[] {
  if (current === undefined || next === undefined) return [];
  return [{ current: current.publicKey, next: next.publicKey, allowedIps: current.allowedIps }];
}

/**
 * Reports whether a change is confirmed only after a handshake with this relay: if the relay moves to a key at another port,
 * which its firewall may block; if this node has a new key, which the relay may not have yet; and if every login goes through
 * the relay, which can still reach this node at its old endpoint for a while, so that a new login does not prove the change.
 */
function mustHandshake(node: Node, section: PeerSection, index: LinkIndex): boolean {
  const neighbour = index.node(section.name);
  if (neighbour?.kind !== "relay" || neighbour.hosts.length === 0) return false;
  if (jumpRelays(node).includes(neighbour.name)) return true;
  return hasSecondInterface(neighbour) || announcesKey(node);
}

function atPort(endpoint: Endpoint | null, port: number | null): Endpoint | null {
  return endpoint === null || port === null ? endpoint : { ...endpoint, port };
}
