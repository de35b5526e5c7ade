/** The differences of the peers of one WireGuard interface. */
import type { PeerDifference } from "./difference";
import { endpointDifference, recordedEndpoints } from "./endpoints";
import { splitAtLast } from "./lines";
import type { Observation } from "./observation";
import { hasExpired, isOverdue } from "./tasks";
import type { Wanted } from "./wanted";
import type { WantedInterface, WantedPeer } from "./wanted-interface";
import type { WireGuardDevice, WireGuardPeer } from "./wireguard-state";

/** In the order of the config; peers that are not in it come last. */
export function peerDifferences(
  device: WireGuardDevice,
  one: WantedInterface,
  observed: Observation,
  wanted: Wanted,
): PeerDifference[] {
  const prefixes = wantedPrefixes(device, one, wanted);
  const recorded = recordedEndpoints(observed, one.name);
  const replaced = replacedInstances(observed, wanted);
  const due = one.peers.filter((peer) => !isOverdue(peer, observed));
  const planned = new Set(due.map(({ publicKey }) => publicKey));
  const found = due.flatMap((peer): PeerDifference[] => {
    const { publicKey } = peer;
    const of = { interface: one.name, publicKey };
    const running = device.peers.get(publicKey);
    if (running === undefined)
      return hasExpired(peer, observed) ? [] : [{ ...of, kind: "peer", is: "missing" }];
    const endpoint = endpointDifference(peer, running, recorded, observed, wanted);
    return [
      ...prefixDifferences(running.allowedIps, prefixes.get(publicKey) ?? [], wanted),
      ...presharedKeyDifference(peer, running),
      ...keepaliveDifference(peer, running),
      ...(endpoint === null ? [] : [endpoint]),
      ...(replaced.has(publicKey) ? [{ kind: "session" } as const] : []),
    ].map((difference) => ({ ...of, ...difference }));
  });
  const extra = [...device.peers.keys()].filter((key) => !planned.has(key));
  return [
    ...found,
    ...extra.map((publicKey): PeerDifference => ({
      interface: one.name,
      publicKey,
      kind: "peer",
      is: "extra",
    })),
  ];
}

/**
 * The wanted allowed IPs by public key. Two keys of one neighbour share their prefixes, and the watcher assigns them: the key
 * that has them keeps them. The same applies to an address that moves to another relay.
 */
export function wantedPrefixes(
  device: WireGuardDevice | null,
  one: WantedInterface,
  { pairs, homes = [] }: Wanted,
): Map<string, readonly string[]> {
  const prefixes = new Map(one.peers.map((peer) => [peer.publicKey, peer.allowedIps]));
  const holds = (key: string) => (device?.peers.get(key)?.allowedIps.length ?? 0) > 0;
  for (const { current, next } of pairs) {
    const shared = prefixes.get(current);
    if (shared === undefined || !prefixes.has(next) || !holds(next) || holds(current)) continue;
    prefixes.set(current, []);
    prefixes.set(next, shared);
  }
  for (const { address, former, now } of homes) {
    const isThere = device?.peers.get(now)?.allowedIps.includes(address) === true;
    const [holder, other] = isThere ? [now, former] : [former, now];
    const without = (key: string) => (prefixes.get(key) ?? []).filter((it) => it !== address);
    prefixes.set(other, without(other));
    prefixes.set(holder, [...without(holder), address]);
  }
  return prefixes;
}

function prefixDifferences(
  are: readonly string[],
  planned: readonly string[],
  { former = [] }: Wanted,
) {
  const [present, wanted] = [new Set(are), new Set(planned)];
  const mayBeGone = (prefix: string) => former.some((it) => it.former.includes(prefix));
  const of = (prefix: string, is: "missing" | "extra") =>
    ({ kind: "allowed-ip", prefix, is }) as const;
  return [
    ...[...wanted]
      .filter((prefix) => !present.has(prefix) && !mayBeGone(prefix))
      .map((text) => of(text, "missing")),
    ...[...present].filter((prefix) => !wanted.has(prefix)).map((text) => of(text, "extra")),
  ];
}

/** A sealed key cannot be compared; then only its presence counts. */
function presharedKeyDifference({ presharedKey }: WantedPeer, { presharedKey: is }: WireGuardPeer) {
  const of = (state: "missing" | "extra" | "other") =>
    [{ kind: "preshared-key", is: state }] as const;
  if (presharedKey === null) return is === "none" ? [] : of("extra");
  if (is === "none") return of("missing");
  return is === "same" || (is === "set" && presharedKey.isSealed) ? [] : of("other");
}

function keepaliveDifference({ keepalive }: WantedPeer, { keepalive: is }: WireGuardPeer) {
  return is === keepalive ? [] : [{ kind: "keepalive", is, wanted: keepalive } as const];
}

/** Public keys of machines that were replaced since the last push. */
export function replacedInstances({ records }: Observation, { instances }: Wanted): Set<string> {
  const recorded = instancesByKey(records.confirmed?.instances ?? []);
  const changed = [...instancesByKey(instances)].filter(
    ([key, instance]) => (recorded.get(key) ?? instance) !== instance,
  );
  return new Set(changed.map(([key]) => key));
}

/** From words `INSTANCE:KEY`. */
function instancesByKey(all: readonly string[]): Map<string, string> {
  return new Map(
    all.map((word) => {
      const [instance, key] = splitAtLast(word, ":");
      return [key, instance];
    }),
  );
}
