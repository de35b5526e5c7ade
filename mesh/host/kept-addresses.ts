/** Which former addresses a relay keeps, and with which of its peers: see former-addresses.ts. */
import type { Observation } from "./observation";
import { isSingle } from "./prefixes";
import type { FormerAddresses, Wanted } from "./wanted";
import { formerIn, type FormerLine } from "./watched-keys";
import type { WireGuardPeer } from "./wireguard-state";

/** By the peers themselves. */
export function keptByPeers(observed: Observation, wanted: Wanted): FormerAddresses[] {
  const { main, tunnelOnly } = wanted;
  const { peers } = main;
  return peers.flatMap(({ name, publicKey, allowedIps: [address] }) => {
    if (address === undefined || !tunnelOnly.includes(publicKey)) return [];
    const keys = peers.filter((it) => it.name === name).map((it) => it.publicKey);
    const former = isConfirmed(observed, wanted)
      ? recorded(observed, main.name, (it) => it.key === null && it.address === address)
      : ofPeer(keys, observed, main.name);
    const free = former.filter((prefix) => isFree(prefix, address, wanted));
    return free.length === 0 ? [] : [{ name, address, former: [...new Set(free)] }];
  });
}

/**
 * By another peer than the one that has the new address: by the host itself if it gets another home relay together with another
 * address, and by a relay that leads to its former address.
 */
export function keptByOthers(observed: Observation, wanted: Wanted): FormerAddresses[] {
  const { main, tunnelAddresses } = wanted;
  const running = runningOn(observed, main.name);
  if (isConfirmed(observed, wanted))
    return formerLines(observed.records.rotation ?? [], main.name).flatMap(
      ({ key, address, former }) =>
        key !== null && running.has(key) ? [{ name: key, address, former, key }] : [],
    );
  const before = observed.records.confirmed?.tunnelAddresses ?? new Map<string, string>();
  const planned = new Map(main.peers.map((peer) => [peer.publicKey, peer]));
  return [...keysByAddress(tunnelAddresses)].flatMap(([address, keys]) => {
    const left = keys.filter((key) => running.has(key) && !planned.has(key));
    const had = keys.flatMap((key) => before.get(key) ?? []);
    const leads = (key: string) =>
      had.some((prefix) => running.get(key)?.allowedIps.includes(prefix) === true);
    const leading = [...planned.keys()].filter((key) => !keys.includes(key) && leads(key));
    const all = [
      ...left.map((key) => [key, ofPeer([key], observed, main.name)] as const),
      ...leading.map(
        (key) => [key, [...had, ...ofLeading(key, had, observed, main.name)]] as const,
      ),
    ];
    return all.flatMap(([key, prefixes]) => {
      const former = prefixes.filter((prefix) => isFree(prefix, address, wanted));
      return former.length === 0 ? [] : [{ name: key, address, former: [...new Set(former)], key }];
    });
  });
}

/** The config that was confirmed keeps what its push kept. */
function isConfirmed({ records }: Observation, { digest }: Wanted): boolean {
  return records.confirmed?.digest === digest;
}

/** What a peer has by its keys, and what the watcher has taken away but is not settled: the host may still undo its change. */
function ofPeer(keys: readonly string[], observed: Observation, main: string): string[] {
  const running = runningOn(observed, main);
  const has = keys.flatMap((key) => running.get(key)?.allowedIps ?? []);
  const isIts = ({ key, address }: FormerLine) =>
    key === null ? has.includes(address) : keys.includes(key);
  return [...has, ...recorded(observed, main, isUnsettled(observed, isIts))];
}

/** What a relay leads to besides, of a host that had these addresses. */
function ofLeading(
  key: string,
  had: readonly string[],
  observed: Observation,
  main: string,
): string[] {
  const isIts = (line: FormerLine) => line.key === key && had.includes(line.address);
  return recorded(observed, main, isUnsettled(observed, isIts));
}

/** A single address that no peer has from now on. */
function isFree(prefix: string, address: string, { main }: Wanted): boolean {
  const isTaken = main.peers.some(({ allowedIps }) => allowedIps.includes(prefix));
  return isSingle(prefix) && prefix !== address && !isTaken;
}

function runningOn({ devices }: Observation, name: string): ReadonlyMap<string, WireGuardPeer> {
  return devices.get(name)?.peers ?? new Map<string, WireGuardPeer>();
}

/** A host whose key changes has two. */
function keysByAddress(addresses: ReadonlyMap<string, string>): Map<string, string[]> {
  const keys = new Map<string, string[]>();
  for (const [key, address] of addresses) keys.set(address, [...(keys.get(address) ?? []), key]);
  return keys;
}

function formerLines(lines: readonly string[], main: string): FormerLine[] {
  return formerIn(lines).filter((line) => line.interface === main);
}

function recorded(
  { records }: Observation,
  main: string,
  isMeant: (line: FormerLine) => boolean,
): string[] {
  return formerLines(records.rotation ?? [], main)
    .filter(isMeant)
    .flatMap(({ former }) => former);
}

function isUnsettled({ records }: Observation, isMeant: (line: FormerLine) => boolean) {
  return (line: FormerLine): boolean => !records.settled.includes(line.text) && isMeant(line);
}
