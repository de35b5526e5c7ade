/**
 * A peer that only the tunnel leads to gets another home relay. Both relays are pushed to before it: each one knows the former
 * way to its address and the new one, and its watcher keeps the address with the peer by which it answers. The boot file has
 * the new way.
 */
import { Secret } from "../secret";
import type { Observation } from "./observation";
import { isSingle, prefixOf, PrefixSet } from "./prefixes";
import { dateIn } from "./tasks";
import type { MovingHome, Wanted } from "./wanted";
import type { WantedInterface, WantedPeer } from "./wanted-interface";
import { KEY_OF_NOW } from "./wg-text";
import type { WireGuardDevice, WireGuardPeer } from "./wireguard-state";

/** As wanted, and with both ways to such peers. The former relay keeps the peer itself, which it finds running. */
export function withMovingHomes(observed: Observation, wanted: Wanted): Wanted {
  const { main, tunnelOnly } = wanted;
  const device = observed.devices.get(main.name);
  if (device === undefined || tunnelOnly.length === 0 || wanted.homes !== undefined) return wanted;
  const isConfirmed = observed.records.confirmed?.digest === wanted.digest;
  const known = recorded(observed, main.name, isConfirmed).filter(
    ({ address, former, now }) =>
      [former, now].every((key) => device.peers.has(key)) &&
      // Another node may have the address from now on.
      main.peers.every(
        ({ publicKey, allowedIps }) =>
          publicKey === former || publicKey === now || !allowedIps.includes(address),
      ),
  );
  const found = isConfirmed
    ? []
    : [...arriving(device, wanted), ...leaving(device, wanted), ...passing(device, wanted)];
  const isNew = ({ address }: MovingHome) => found.every((it) => it.address !== address);
  const homes = [...found, ...known.filter(isNew)];
  const moved = (wanted.former ?? []).flatMap(({ key, former }) =>
    key === undefined ? [] : [[key, former] as const],
  );
  const planned = new Set(main.peers.map(({ publicKey }) => publicKey));
  const left = new Set([...homes.map(({ former }) => former), ...moved.map(([key]) => key)]);
  const kept = [...device.peers.values()].filter(
    ({ publicKey }) => left.has(publicKey) && !planned.has(publicKey),
  );
  if (homes.length + kept.length === 0) return wanted;
  return { ...wanted, main: withPeers(main, kept, new Map(moved), observed), homes };
}

export function homeNotes({ homes = [], main }: Wanted): string[] {
  const name = (key: string) => main.peers.find((it) => it.publicKey === key)?.name ?? key;
  return homes.map(
    ({ address, former, now }) =>
      `${address} stays routed to ${name(former)} until it answers through ${name(now)}`,
  );
}

/** New peers whose address another peer has, which is their former home or leads there. */
function arriving({ peers }: WireGuardDevice, { main, tunnelOnly }: Wanted): MovingHome[] {
  const planned = new Set(main.peers.map(({ publicKey }) => publicKey));
  const ways = waysIn([...peers.values()].filter(({ publicKey }) => planned.has(publicKey)));
  return main.peers.flatMap(({ publicKey: now, allowedIps: [address] }): MovingHome[] => {
    if (address === undefined || !tunnelOnly.includes(now)) return [];
    const former = ways(address);
    return former === null || former === now ? [] : [{ address, former, now }];
  });
}

/** Running peers that go, and whose address another peer is to have. */
function leaving({ peers }: WireGuardDevice, wanted: Wanted): MovingHome[] {
  const { main, tunnelOnly, tunnelAddresses } = wanted;
  const planned = new Set(main.peers.map(({ publicKey }) => publicKey));
  const ways = waysIn(main.peers);
  return tunnelOnly
    .filter((key) => !planned.has(key))
    .flatMap((former) => {
      const has = peers.get(former)?.allowedIps ?? [];
      const known = tunnelAddresses.get(former);
      const address = has.find((it) => (known === undefined ? isSingle(it) : it === known));
      const now = address === undefined ? null : ways(address);
      return address === undefined || now === null ? [] : [{ address, former, now }];
    });
}

/** Addresses of hosts that are no peers here, and whose way moves from one relay to another. */
function passing({ peers }: WireGuardDevice, { main, tunnelAddresses }: Wanted): MovingHome[] {
  const planned = new Set(main.peers.map(({ publicKey }) => publicKey));
  const before = waysIn([...peers.values()].filter(({ publicKey }) => planned.has(publicKey)));
  const after = waysIn(main.peers);
  const isHere = (key: string, address: string) =>
    planned.has(key) || peers.get(key)?.allowedIps.includes(address) === true;
  const addresses = [...tunnelAddresses].flatMap(([key, address]) =>
    isHere(key, address) ? [] : [address],
  );
  return [...new Set(addresses)].flatMap((address) => {
    const [former, now] = [before(address), after(address)];
    return former === null || now === null || former === now ? [] : [{ address, former, now }];
  });
}

/** Finds the key of the peer that a prefix is routed to. */
function waysIn(peers: readonly Pick<WantedPeer, "publicKey" | "allowedIps">[]) {
  const keys = new Map<string, string>();
  for (const { publicKey, allowedIps } of peers)
    for (const prefix of allowedIps) keys.set(prefixOf(prefix)?.text ?? prefix, publicKey);
  const all = new PrefixSet([...keys.keys()].flatMap((text) => prefixOf(text) ?? []));
  return (address: string): string | null => {
    const prefix = prefixOf(address);
    const way = prefix === null ? null : all.longestCovering(prefix);
    return way === null ? null : (keys.get(way.text) ?? null);
  };
}

/** From lines of watched-keys.ts. A new config forgets those that are settled. */
function recorded({ records }: Observation, name: string, all: boolean): MovingHome[] {
  const lines = (records.rotation ?? []).filter((line) => all || !records.settled.includes(line));
  return lines.flatMap((line) => {
    const [kind, of, address = "", former = "", now = ""] = line.split(" ");
    return kind === "home" && of === name ? [{ address, former, now }] : [];
  });
}

/**
 * Adds running peers that the request does not have, with the former addresses of their key; wantedPrefixes assigns those of
 * `homes`. Each keeps its expiry date.
 */
function withPeers(
  one: WantedInterface,
  kept: readonly WireGuardPeer[],
  former: ReadonlyMap<string, readonly string[]>,
  { records }: Observation,
): WantedInterface {
  const peers = kept.map(({ publicKey, presharedKey, keepalive }): WantedPeer => {
    const shared = presharedKey === "none" ? null : Secret.sealed();
    const own = { name: publicKey, publicKey, presharedKey: shared, keepalive };
    const allowedIps = former.get(publicKey) ?? [];
    return { ...own, allowedIps, endpoint: null, expires: dateIn(records.tasks, publicKey) };
  });
  const prefixesOf = (key: string) => (former.get(key) ?? []).join(", ");
  const sections = kept.map(({ publicKey, presharedKey }) =>
    [
      ...["", "# moves to another relay", "[Peer]", `PublicKey = ${publicKey}`],
      ...(presharedKey === "none" ? [] : [`PresharedKey = ${KEY_OF_NOW} ${one.name} ${publicKey}`]),
      ...(former.has(publicKey) ? [`AllowedIPs = ${prefixesOf(publicKey)}`] : []),
      "",
    ].join("\n"),
  );
  const text = one.text.isSealed ? one.text : Secret.of(one.text.reveal() + sections.join(""));
  return { ...one, text, peers: [...one.peers, ...peers] };
}
