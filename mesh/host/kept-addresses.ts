/** The former addresses that a relay keeps for its peers: see former-addresses.ts. */
import type { Observation } from "./observation";
import { isSingle } from "./prefixes";
import type { FormerAddresses, Wanted } from "./wanted";
import { formerIn, type FormerLine } from "./watched-keys";
import type { WireGuardPeer } from "./wireguard-state";

/** Former addresses that stay with the same peer. */
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
 * Former addresses at another peer: at the host's own key if its home relay and its address change together, and at the relay
 * that still routes to the former address.
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

/** A confirmed config keeps the same addresses as its push did. */
function isConfirmed({ records }: Observation, { digest }: Wanted): boolean {
  return records.confirmed?.digest === digest;
}

/** Addresses of a peer, including those that the watcher has removed while the host may still undo its change. */
function ofPeer(keys: readonly string[], observed: Observation, main: string): string[] {
  const running = runningOn(observed, main);
  const has = keys.flatMap((key) => running.get(key)?.allowedIps ?? []);
  const isIts = ({ key, address }: FormerLine) =>
    key === null ? has.includes(address) : keys.includes(key);
  return [...has, ...recorded(observed, main, isUnsettled(observed, isIts))];
}

/** Addresses that a relay also routes to, of a host that had these addresses. */
function ofLeading(
  key: string,
  had: readonly string[],
  observed: Observation,
  main: string,
): string[] {
  const isIts = (line: FormerLine) => line.key === key && had.includes(line.address);
  return recorded(observed, main, isUnsettled(observed, isIts));
}

/** A single address that no wanted peer has. */
function isFree(prefix: string, address: string, { main }: Wanted): boolean {
  const isTaken = main.peers.some(({ allowedIps }) => allowedIps.includes(prefix));
  return isSingle(prefix) && prefix !== address && !isTaken;
}

function runningOn({ devices }: Observation, name: string): ReadonlyMap<string, WireGuardPeer> {
  return devices.get(name)?.peers ?? new Map<string, WireGuardPeer>();
}

/** A host has two keys during a rotation. */
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
