/**
 * A host that only the tunnel leads to is pushed to at its former tunnel address, after its relay. So the relay keeps that
 * address beside the new one, and its watcher takes it away while the host answers at the new one; so does a relay that is no
 * longer its home. Where the whole network is renumbered, the relay keeps its own former address too, until all have followed.
 * The boot file has both until the next config.
 */
import { Secret } from "../secret";
import { withMoreAddresses } from "./filter";
import type { Observation } from "./observation";
import { addressOf, isSingle, prefixOf, PrefixSet } from "./prefixes";
import type { FormerAddresses, Wanted } from "./wanted";
import type { WantedInterface, WantedPeer } from "./wanted-interface";

/** As wanted, and with the former addresses of such peers. */
export function withFormerAddresses(observed: Observation, wanted: Wanted): Wanted {
  const kept = [...keptBy(observed, wanted), ...keptOfLeaving(observed, wanted)];
  if (kept.length === 0) return wanted;
  const { main, second } = wanted;
  const filter = wanted.filter && withMoreAddresses(wanted.filter, formerByAddress(kept, main));
  return {
    ...wanted,
    main: withOwn(extended(main, kept), formerOwn(observed, wanted, kept)),
    second: second && extended(second, kept),
    ...{ filter, former: kept },
  };
}

/** By each new address, those before of its family: what a policy lets through at the one it lets through at the others. */
function formerByAddress(
  kept: readonly FormerAddresses[],
  { peers }: WantedInterface,
): Map<string, readonly string[]> {
  const isIpv6 = (prefix: string) => prefix.includes(":");
  return new Map(
    kept.flatMap(({ address, former }) => {
      const all = peers.find(({ allowedIps }) => allowedIps[0] === address)?.allowedIps ?? [];
      const own = [address, ...all.filter((it) => isIpv6(it) && isSingle(it)).slice(0, 1)];
      return own.map((it) => [it, former.filter((one) => isIpv6(one) === isIpv6(it))] as const);
    }),
  );
}

export function formerNotes({ former = [], main }: Wanted): string[] {
  const own = main.formerAddresses ?? [];
  return [
    ...former.map(
      ({ name, former: all, address }) =>
        `${name} keeps ${all.map(addressOf).join(", ")} until it answers at ${addressOf(address)}`,
    ),
    ...own.map((it) => `this host keeps ${it} until they have followed`),
  ];
}

/** The peers of a relay and its lines of watched-keys.ts. */
export interface RelayRecord {
  peers: readonly { publicKey: string; allowedIps: readonly string[] }[];
  watched: readonly string[];
}

/**
 * The other addresses at which the host with this one may be, as its relay knows them: those of the same peer, and those that it
 * had before or has now.
 */
export function otherAddresses(address: string, { peers, watched }: RelayRecord): string[] {
  const own = prefixOf(address)?.text ?? "";
  const peer = peers.find(({ allowedIps }) => allowedIps.includes(own));
  const recorded = watched.flatMap((line) => {
    const [kind, , at = "", former = "", now] = line.split(" ");
    if (kind === "former") return former.split(",").includes(own) ? [at] : [];
    return kind === "home" && now === peer?.publicKey ? [at] : [];
  });
  return singlesOf([...(peer?.allowedIps ?? []), ...recorded]).filter((it) => it !== address);
}

/** The addresses of the peer with this key, at a relay that is or was its home. */
export function addressesOfKey(key: string, { peers, watched }: RelayRecord): string[] {
  const peer = peers.find(({ publicKey }) => publicKey === key);
  if (peer === undefined) return [];
  const recorded = watched.flatMap((line) => {
    const [kind, , at = "", former = "", now] = line.split(" ");
    return kind === "home" && (former === key || now === key) ? [at] : [];
  });
  return singlesOf([...peer.allowedIps, ...recorded]);
}

function singlesOf(prefixes: readonly string[]): string[] {
  return [...new Set(prefixes)].filter(isSingle).map(addressOf);
}

function keptBy(observed: Observation, wanted: Wanted): FormerAddresses[] {
  const { main, tunnelOnly } = wanted;
  return main.peers.flatMap((peer) => {
    const [address] = peer.allowedIps;
    if (address === undefined || !tunnelOnly.includes(peer.publicKey)) return [];
    const former = formerOf({ ...peer, address }, observed, wanted);
    return former.length === 0 ? [] : [{ name: peer.name, address, former }];
  });
}

/** Peers that run here, and get another home relay together with another address. */
function keptOfLeaving(observed: Observation, wanted: Wanted): FormerAddresses[] {
  const { main, tunnelOnly, tunnelAddresses } = wanted;
  const planned = new Set(main.peers.map(({ publicKey }) => publicKey));
  const running = observed.devices.get(main.name)?.peers;
  return tunnelOnly.flatMap((key) => {
    const address = tunnelAddresses.get(key);
    if (planned.has(key) || address === undefined || running?.has(key) !== true) return [];
    const former = keptAddresses([key], address, observed, wanted);
    return former.length === 0 ? [] : [{ name: key, address, former, key }];
  });
}

function formerOf(
  peer: WantedPeer & { address: string },
  observed: Observation,
  wanted: Wanted,
): string[] {
  const keys = wanted.main.peers
    .filter(({ name }) => name === peer.name)
    .map(({ publicKey }) => publicKey);
  return keptAddresses(keys, peer.address, observed, wanted);
}

/**
 * The config that was confirmed keeps what its push kept. A new one keeps what the peer has, and what the watcher has taken away
 * but is not settled: the host may still undo its change.
 */
function keptAddresses(
  keys: readonly string[],
  address: string,
  { devices, records }: Observation,
  { main, digest }: Wanted,
): string[] {
  const others = [address, ...main.peers.flatMap(({ allowedIps }) => allowedIps)];
  const running = keys.flatMap((key) => devices.get(main.name)?.peers.get(key)?.allowedIps ?? []);
  const lines = records.rotation ?? [];
  const unsettled = lines.filter((line) => !records.settled.includes(line));
  const known =
    records.confirmed?.digest === digest
      ? recordedFormer(lines, main.name, [address])
      : [...running, ...recordedFormer(unsettled, main.name, [...running, ...keys])];
  return [...new Set(known)].filter((prefix) => isSingle(prefix) && !others.includes(prefix));
}

/** From lines of watched-keys.ts about one of these addresses or keys. */
function recordedFormer(
  lines: readonly string[],
  name: string,
  about: readonly string[],
): string[] {
  return lines.flatMap((line) => {
    const [kind, of, address = "", former = "", key = ""] = line.split(" ");
    const isMeant =
      kind === "former" && of === name && [address, key].some((it) => about.includes(it));
    return isMeant ? former.split(",") : [];
  });
}

/** Its own addresses to which such hosts send their answers, because they know no other network yet. */
function formerOwn(
  { network, records }: Observation,
  { main, digest }: Wanted,
  kept: readonly FormerAddresses[],
): string[] {
  if (records.confirmed?.digest === digest) {
    const start = `own ${main.name} `;
    return (records.rotation ?? []).flatMap((line) =>
      line.startsWith(start) ? [line.slice(start.length)] : [],
    );
  }
  const setOf = (all: readonly string[]) => new PrefixSet(all.flatMap((it) => prefixOf(it) ?? []));
  const known = setOf(main.addresses);
  const lost = kept
    .flatMap(({ former }) => former.flatMap((it) => prefixOf(it) ?? []))
    .filter((prefix) => !known.covers(prefix));
  const running = network.links.get(main.name)?.addresses ?? [];
  return running.filter(
    (it) => !main.addresses.includes(it) && lost.some((prefix) => setOf([it]).covers(prefix)),
  );
}

function withOwn(one: WantedInterface, addresses: readonly string[]): WantedInterface {
  if (addresses.length === 0) return one;
  const withMore = (text: string) =>
    text.replace(/^Address = .*$/m, (line) => [line, ...addresses].join(", "));
  const text = one.text.isSealed ? one.text : Secret.of(withMore(one.text.reveal()));
  return { ...one, text, formerAddresses: addresses };
}

function extended(one: WantedInterface, all: readonly FormerAddresses[]): WantedInterface {
  const kept = all.filter(({ key }) => key === undefined);
  const more = new Map(kept.map(({ address, former }) => [address, former]));
  const of = ({ allowedIps: [address = ""] }: WantedPeer) => more.get(address) ?? [];
  const byKey = new Map(one.peers.map((peer) => [peer.publicKey, of(peer)]));
  return {
    ...one,
    text: one.text.isSealed ? one.text : withPrefixes(one.text, byKey),
    peers: one.peers.map((peer) => ({ ...peer, allowedIps: [...peer.allowedIps, ...of(peer)] })),
  };
}

/** The file with more allowed IPs, by public key. */
function withPrefixes(text: Secret, more: ReadonlyMap<string, readonly string[]>): Secret {
  let key = "";
  const lines = text
    .reveal()
    .split("\n")
    .map((line) => {
      if (line.startsWith("PublicKey = ")) key = line.slice("PublicKey = ".length);
      return line.startsWith("AllowedIPs = ") ? [line, ...(more.get(key) ?? [])].join(", ") : line;
    });
  return Secret.of(lines.join("\n"));
}
