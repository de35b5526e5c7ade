/** What a change of keys means for the nodes: which key each interface has, and which ones its neighbours have sections for. */
import type { Endpoint, MeshConfig, Node } from "../config/config";
import { jumpRelays } from "./jump-relays";
import { dialledAt } from "./links";
import type { LinkIndex } from "./paths";
import type { PeerSection } from "./peer-section";

/** A relay's second WireGuard interface: the same peers, another key or port. */
export interface AlternatePlan {
  interface: string;
  publicKey: string;
  listenPort: number;
  sections: PeerSection[];
}

/** What a host with keys in change has to look after; public facts only. */
export interface RotationPlan {
  pairs: KeyPair[];
  /** Keys of its own sections that must have shaken hands after a change, or the host undoes it. */
  mustShake: string[];
}

/** Two keys of one neighbour: the prefixes belong to whichever shook hands last. */
export interface KeyPair {
  current: string;
  next: string;
  allowedIps: string[];
}

/** A key of a neighbour as one of our interfaces should know it. */
export interface KnownKey {
  publicKey: string;
  which: "current" | "next";
  /** Whether this section has the allowed IPs; with two keys it is the one that works before anything has changed. */
  routed: boolean;
  endpoint: Endpoint | null;
}

/** At most 15 characters (wg-quick(8)), and never the name of the first interface itself. */
export function alternateName(name: string): string {
  const alternate = `${name.slice(0, 10)}-next`;
  return alternate === name ? `${name.slice(0, 10)}-rotn` : alternate;
}

/** Has got the next key: its relays hold both, and it is heard with either. */
export function movesToNext(node: Node): boolean {
  return node.nextPublicKey !== null && node.ownKey === "next";
}

/** All keys by which it may be known somewhere. */
export function publicKeysOf({ publicKey, nextPublicKey }: Node): string[] {
  return nextPublicKey === null ? [publicKey] : [publicKey, nextPublicKey];
}

/** Names by public key, of nodes between two keys by either. */
export function namesByKey(nodes: readonly Node[]): Map<string, string> {
  return new Map(
    nodes.flatMap((node) => publicKeysOf(node).map((key) => [key, node.name] as const)),
  );
}

/** The key of the node's own interface; a relay's keeps the current one until the end, and the second has the next. */
export function interfaceKey(node: Node): string {
  return node.kind === "peer" && movesToNext(node) && node.nextPublicKey !== null
    ? node.nextPublicKey
    : node.publicKey;
}

/** The key of a relay's second interface: the next one, or afterwards the current one, for those who dial it there. */
export function alternateKey(relay: Node): string {
  return movesToNext(relay) && relay.nextPublicKey !== null ? relay.nextPublicKey : relay.publicKey;
}

/**
 * A relay is known by one key: the next one, at the port of its second interface, as soon as it serves that. A peer between
 * two keys is known by both, so that it is heard with either. A node that is handed its config has nobody to move the
 * allowed IPs from key to key, so it is told the one that the peer has got.
 */
export function keysKnownBy(viewer: Node, neighbour: Node): KnownKey[] {
  const endpoint = dialledAt(viewer, neighbour);
  const current = { publicKey: neighbour.publicKey, which: "current", routed: true } as const;
  const { nextPublicKey } = neighbour;
  if (nextPublicKey === null) return [{ ...current, endpoint }];
  const next = { publicKey: nextPublicKey, which: "next", endpoint } as const;
  if (neighbour.kind === "relay") {
    const second = atPort(endpoint, neighbour.rotationPort);
    return movesToNext(neighbour)
      ? [{ ...next, routed: true, endpoint: second }]
      : [{ ...current, endpoint }];
  }
  if (viewer.hosts.length > 0) {
    return [
      { ...current, endpoint },
      { ...next, routed: false },
    ];
  }
  return movesToNext(neighbour) ? [{ ...next, routed: true }] : [{ ...current, endpoint }];
}

/** Null where the host has nothing to look after. */
export function planRotation(
  node: Node,
  sections: readonly PeerSection[],
  config: MeshConfig,
  index: LinkIndex,
): RotationPlan | null {
  if (node.hosts.length === 0) return null;
  const pairs = index.neighbours(node.name).flatMap((neighbour) => pairOf(neighbour, sections));
  const mustShake = sections
    .filter((section) => section.endpoint !== null && mustBeProven(node, section, index))
    .map((section) => section.publicKey);
  return pairs.length === 0 && mustShake.length === 0 && node.rotationPort === null
    ? null
    : { pairs, mustShake };
}

/**
 * Nodes that dial a node which changes its key cannot know when it has done so; a ping from here tells them at once, at
 * the endpoint at which they were heard last.
 */
export function tellsOfItsKey(node: Node): boolean {
  return node.kind === "peer" && movesToNext(node);
}

function pairOf(neighbour: Node, sections: readonly PeerSection[]): KeyPair[] {
  const [current, next] = sections.filter(({ name }) => name === neighbour.name);
  if (current === undefined || next === undefined) return [];
  return [{ current: current.publicKey, next: next.publicKey, allowedIps: current.allowedIps }];
}

/**
 * A relay's new key, or new port, is only as good as its firewall; and a peer's own new key as its relay's config. A relay
 * through which the only way in leads must be reached wherever the config says: for a while it may still reach the peer at
 * the former place, and a confirmation that comes that way proves nothing.
 */
function mustBeProven(node: Node, section: PeerSection, index: LinkIndex): boolean {
  const neighbour = index.node(section.name);
  if (neighbour?.kind !== "relay" || neighbour.hosts.length === 0) return false;
  if (jumpRelays(node).includes(neighbour.name)) return true;
  return neighbour.rotationPort !== null || tellsOfItsKey(node);
}

function atPort(endpoint: Endpoint | null, port: number | null): Endpoint | null {
  return endpoint === null || port === null ? endpoint : { ...endpoint, port };
}
