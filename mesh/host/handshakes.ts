/** Handshakes and pings that prove that a change works: before the change if possible, else after it. */
import type { LiveStep } from "./change";
import { changesByPeer, isRekeyed, triedPeers } from "./change-peers";
import { needsSession, roams, isAddedAnew, type LiveDifference } from "./difference";
import type { Observation } from "./observation";
import { addressOf, isSingle, prefixOf } from "./prefixes";
import type { Part } from "./steps";
import { hasExpired } from "./tasks";
import type { Wanted } from "./wanted";
import type { WantedInterface } from "./wanted-interface";
import { newSection, UNCHANGED, wgStep } from "./wg-text";

/** Time for two attempts of WireGuard, which are 5 s apart (REKEY_TIMEOUT). */
const TRIAL_S = 8;
const PROOF_S = 15;
const ROAM_S = 8;
const TRIAL_KEEPALIVE_S = 5;
const MOST_PINGS = 32;

/**
 * Adds new keys without prefixes and waits for their handshakes, while the current keys still carry the traffic. Undone with the
 * other new peers. `differences`: of the first interface.
 */
export function tryNewKeys(
  differences: readonly LiveDifference[],
  observed: Observation,
  wanted: Wanted,
): Part {
  const { main } = wanted;
  const sections = triedPeers(differences, wanted).map((peer) => ({
    ...newSection(peer, [], observed),
    keepalive: TRIAL_KEEPALIVE_S,
  }));
  const shakes = sections.map(({ publicKey, endpoint }) =>
    shake(main, TRIAL_S, publicKey, endpoint),
  );
  return { apply: [...wgStep(main.name, UNCHANGED, sections), ...shakes], undo: [] };
}

/** Waits for the handshakes that were not possible before the change. `differences`: of the first interface. */
export function awaitHandshakes(
  differences: readonly LiveDifference[],
  observed: Observation,
  wanted: Wanted,
): Part {
  const { main, mustShake } = wanted;
  const changes = changesByPeer(differences);
  const before = triedPeers(differences, wanted);
  const untried = main.peers.filter(
    (it) => mustShake.includes(it.publicKey) && !before.includes(it) && !hasExpired(it, observed),
  );
  const apply = untried.flatMap(({ publicKey }) => {
    const moved = changes.get(publicKey)?.find((it) => it.kind === "endpoint" && needsSession(it));
    const to = moved?.kind === "endpoint" ? moved.to : null;
    const due = isRekeyed(differences) || to !== null;
    return due ? [shake(main, PROOF_S, publicKey, to)] : [];
  });
  return { apply, undo: [] };
}

/** Waits for relays whose port changes at the same time. After a timeout the endpoint is set as in the config. */
export function awaitRoaming(differences: readonly LiveDifference[]): Part {
  const apply = differences.flatMap((it): LiveStep[] =>
    it.kind === "endpoint" && roams(it)
      ? [
          {
            do: "roam",
            interface: it.interface,
            seconds: ROAM_S,
            key: it.publicKey,
            endpoint: it.to,
          },
        ]
      : [],
  );
  return { apply, undo: [] };
}

/**
 * A ping starts a handshake at once. An interface with another key has lost all sessions, so it pings all peers with a known
 * endpoint. A relay with another port pings the other relays, so that their sessions roam.
 */
export function pingPeers(
  differences: readonly LiveDifference[],
  observed: Observation,
  { main, probes, isQuiet, relaysBeside }: Wanted,
): Part {
  if (isQuiet) return { apply: [], undo: [] };
  const changes = changesByPeer(differences);
  const running = observed.devices.get(main.name)?.peers;
  const rekeyed = isRekeyed(differences);
  const hasMoved = differences.some(({ kind }) => kind === "listen-port");
  const silent = main.peers.filter(({ publicKey, endpoint }) => {
    const known = endpoint ?? running?.get(publicKey)?.endpoint ?? null;
    const isNews = hasMoved && relaysBeside.includes(publicKey);
    return (
      isNews || (rekeyed && known !== null) || changes.get(publicKey)?.some(needsSession) === true
    );
  });
  return { apply: ping([...probes, ...silent.flatMap(firstAddress)]), undo: [] };
}

/** For the undo: pings the peers that were removed and added again. */
export function pingFormerPeers(
  differences: readonly LiveDifference[],
  observed: Observation,
  { main }: Wanted,
): Part {
  const changes = changesByPeer(differences);
  const running = [...(observed.devices.get(main.name)?.peers.values() ?? [])];
  const rekeyed = isRekeyed(differences);
  const silent = running.filter(
    ({ publicKey, endpoint }) =>
      endpoint !== null && (rekeyed || changes.get(publicKey)?.some(isAddedAnew) === true),
  );
  return { apply: [], undo: ping(silent.flatMap(firstAddress)) };
}

/** The first single address among the allowed IPs. */
function firstAddress({ allowedIps }: { allowedIps: readonly string[] }): string[] {
  const single = allowedIps.flatMap((text) => prefixOf(text)?.text ?? []).find(isSingle);
  return single === undefined ? [] : [addressOf(single)];
}

function ping(addresses: readonly string[]): LiveStep[] {
  const all = [...new Set(addresses)].slice(0, MOST_PINGS);
  return all.length === 0 ? [] : [{ do: "ping", addresses: all }];
}

function shake(
  { name }: WantedInterface,
  seconds: number,
  key: string,
  endpoint: string | null,
): LiveStep {
  return { do: "shake", interface: name, seconds, key, endpoint };
}
