/** Steps for differences in keys and peers of a running WireGuard interface. */
import type { LiveStep } from "./change";
import {
  isNew,
  needsSession,
  roams,
  isAddedAnew,
  type LiveDifference,
  type PeerDifference,
} from "./difference";
import { resolve } from "./endpoints";
import type { Observation } from "./observation";
import { wantedPrefixes } from "./peer-differences";
import { forgetStep, type Part } from "./steps";
import { hasExpired, isOverdue } from "./tasks";
import type { Wanted } from "./wanted";
import type { WantedInterface, WantedPeer } from "./wanted-interface";
import {
  formerSection,
  kickSteps,
  KEY_OF_NOW,
  newSection,
  NO_KEY,
  privateKeyText,
  wgStep,
  type InterfaceSection,
  type PeerSection,
} from "./wg-text";
import {
  formatNumericEndpoint,
  type NumericEndpoint,
  type WireGuardDevice,
  type WireGuardPeer,
} from "./wireguard-state";

/** Endpoints of peers by public key, from another interface that had handshakes with them later. */
export type Whereabouts = ReadonlyMap<string, NumericEndpoint>;

/**
 * `differences`: of this interface. New peers and those that gain prefixes come first, so that each prefix always has a peer;
 * unwanted peers are removed last. A peer that needs a new session is removed and added again.
 */
export function changePeers(
  one: WantedInterface,
  device: WireGuardDevice,
  differences: readonly LiveDifference[],
  observed: Observation,
  wanted: Wanted,
  taken: Whereabouts,
): Part {
  if (isRekeyed(differences)) return renewPeers(one, device, differences, observed, wanted, taken);
  const changes = changesByPeer(differences);
  const keys = [...changes.keys()];
  const which = (test: (it: PeerDifference) => boolean) =>
    keys.filter((key) => changes.get(key)?.some(test));
  const extra = which((it) => it.kind === "peer" && it.is === "extra");
  // Unwanted peers are removed last, so an undo may still find their sessions.
  const added = which(isNew);
  const reset = which((it) => isAddedAnew(it) && it.kind !== "peer");
  const moved = new Set(which((it) => isAddedAnew(it) || it.kind === "endpoint"));
  const former = keys
    .flatMap((key) => device.peers.get(key) ?? [])
    .map((peer) => formerSection(peer, moved.has(peer.publicKey)));
  const takers = new Set(which((it) => isNew(it) || takesPrefix(it)));
  const sections = wantedSections(changes, one, device, observed, wanted);
  const isTaker = ({ publicKey }: PeerSection) => takers.has(publicKey);
  const ordered = [...sections.filter(isTaker), ...sections.filter((it) => !isTaker(it))];
  const own = ownSections(one, device, differences);
  return {
    apply: [
      ...forgetStep(one.name, which(needsSession)),
      ...wgStep(one.name, own.wanted, ordered),
      ...forgetStep(one.name, extra),
    ],
    undo: [
      ...leaveSteps(one.name, extra, device, triedPeers(differences, wanted)),
      ...forgetStep(one.name, reset),
      ...wgStep(one.name, own.former, former),
      ...forgetStep(one.name, added),
    ],
  };
}

/**
 * For the undo: a relay that had a handshake with a tried key sends its packets there until the next handshake with the former
 * key.
 */
function leaveSteps(
  name: string,
  extra: readonly string[],
  { peers }: WireGuardDevice,
  tried: readonly WantedPeer[],
): LiveStep[] {
  return tried.flatMap(({ publicKey, allowedIps }) =>
    extra
      .filter((key) => peers.get(key)?.allowedIps.some((prefix) => allowedIps.includes(prefix)))
      .map((key): LiveStep => ({ do: "leave", interface: name, tried: publicKey, key })),
  );
}

/**
 * With another private key, an interface needs new sessions. All peers are removed and added again, because WireGuard sends no
 * second handshake within 5 s (REKEY_TIMEOUT), and old handshake times would mislead the watcher. Peers with a known endpoint
 * get a packet at once.
 */
function renewPeers(
  one: WantedInterface,
  device: WireGuardDevice,
  differences: readonly LiveDifference[],
  observed: Observation,
  wanted: Wanted,
  taken: Whereabouts,
): Part {
  const { name } = one;
  const prefixes = wantedPrefixes(device, one, wanted);
  const due = one.peers.filter((peer) => !hasExpired(peer, observed));
  const sections = due.map((peer): PeerSection => {
    const { publicKey } = peer;
    const fresh = newSection(peer, prefixes.get(publicKey) ?? [], observed);
    const heard = taken.get(publicKey) ?? device.peers.get(publicKey)?.endpoint ?? null;
    const kept =
      heard === null || !mayBeAt(heard, peer, observed)
        ? fresh.endpoint
        : formatNumericEndpoint(heard);
    return { ...fresh, endpoint: kept };
  });
  const former = [...device.peers.values()].map((peer) => formerSection(peer, true));
  const added = one.peers.map(({ publicKey }) => publicKey);
  const own = ownSections(one, device, differences);
  return {
    apply: [
      ...forgetStep(name, [...device.peers.keys()]),
      ...wgStep(name, own.wanted, sections),
      ...kickSteps(name, sections),
    ],
    undo: [
      ...forgetStep(name, [...new Set([...device.peers.keys(), ...added])]),
      ...wgStep(name, own.former, former),
      ...kickSteps(name, former),
    ],
  };
}

/** Whether the config names no endpoint, this one, or one that does not resolve. */
function mayBeAt(heard: NumericEndpoint, { endpoint }: WantedPeer, observed: Observation): boolean {
  const targets = endpoint === null ? [] : resolve(endpoint, observed).map(formatNumericEndpoint);
  return targets.length === 0 || targets.includes(formatNumericEndpoint(heard));
}

/** New peers that must have a handshake, which is possible before the change if the interface keeps its key. */
export function triedPeers(
  differences: readonly LiveDifference[],
  { main, mustShake }: Wanted,
): WantedPeer[] {
  if (isRekeyed(differences)) return [];
  const changes = changesByPeer(differences);
  return main.peers.filter(
    ({ publicKey }) =>
      mustShake.includes(publicKey) && changes.get(publicKey)?.some(isNew) === true,
  );
}

/** Whether the interface is new or gets another key. */
export function isRekeyed(differences: readonly LiveDifference[]): boolean {
  return differences.some(
    (it) => it.kind === "public-key" || (it.kind === "interface" && it.is === "missing"),
  );
}

export function changesByPeer(
  differences: readonly LiveDifference[],
): Map<string, PeerDifference[]> {
  const changes = new Map<string, PeerDifference[]>();
  for (const difference of differences) {
    if (!("publicKey" in difference)) continue;
    const known = changes.get(difference.publicKey);
    if (known === undefined) changes.set(difference.publicKey, [difference]);
    else known.push(difference);
  }
  return changes;
}

function takesPrefix(it: PeerDifference): boolean {
  return it.kind === "allowed-ip" && it.is === "missing";
}

/** The wanted peers with a difference. */
function wantedSections(
  changes: ReadonlyMap<string, readonly PeerDifference[]>,
  one: WantedInterface,
  device: WireGuardDevice,
  observed: Observation,
  wanted: Wanted,
): PeerSection[] {
  const prefixes = wantedPrefixes(device, one, wanted);
  return one.peers.flatMap((peer) => {
    const all = changes.get(peer.publicKey);
    if (all === undefined || all.every(roams) || isOverdue(peer, observed)) return [];
    const fresh = newSection(peer, prefixes.get(peer.publicKey) ?? [], observed);
    const running = device.peers.get(peer.publicKey);
    return [running === undefined ? fresh : changedSection(peer, running, all, fresh)];
  });
}

/** For a peer that keeps its session, only what differs; `fresh`: its section if it were new. */
function changedSection(
  peer: WantedPeer,
  running: WireGuardPeer,
  changes: readonly PeerDifference[],
  fresh: PeerSection,
): PeerSection {
  const endpoint = changes.find((it) => it.kind === "endpoint");
  // A peer that roams is waited for after all other steps.
  const to = endpoint === undefined || roams(endpoint) ? null : endpoint.to;
  if (changes.some(needsSession)) {
    const kept = running.endpoint === null ? null : formatNumericEndpoint(running.endpoint);
    return { ...fresh, endpoint: to ?? fresh.endpoint ?? kept };
  }
  const rekeyed = changes.some(({ kind }) => kind === "preshared-key");
  const presharedKey = rekeyed ? (peer.presharedKey ?? NO_KEY) : null;
  return { ...fresh, presharedKey, endpoint: to };
}

/** Key, port and mark, only if they differ: wireguard-go reopens its socket even for the same port. */
function ownSections(
  one: WantedInterface,
  device: WireGuardDevice,
  differences: readonly LiveDifference[],
): Record<"wanted" | "former", InterfaceSection> {
  const rekeyed = differences.some(({ kind }) => kind === "public-key");
  const moved = differences.some(({ kind }) => kind === "listen-port");
  const marked = differences.some(({ kind }) => kind === "mark");
  return {
    wanted: {
      privateKey: rekeyed ? privateKeyText(one) : null,
      listenPort: moved ? one.listenPort : null,
      mark: marked ? (one.mark ?? "off") : null,
    },
    former: {
      privateKey: rekeyed ? (device.publicKey === null ? NO_KEY : KEY_OF_NOW) : null,
      listenPort: moved ? device.listenPort : null,
      mark: marked ? (device.mark ?? "off") : null,
    },
  };
}
