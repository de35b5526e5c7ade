/**
 * A host that only the tunnel leads to is pushed to at its former tunnel address, after its relay. So the relay keeps that
 * address beside the new one, and its watcher takes it away while the host answers at the new one. The boot file has both
 * until the next config.
 */
import { Secret } from "../secret";
import { withMoreAddresses } from "./filter";
import type { Observation } from "./observation";
import { addressOf, isSingle, prefixOf } from "./prefixes";
import type { FormerAddresses, Wanted } from "./wanted";
import type { WantedInterface, WantedPeer } from "./wanted-interface";

/** As wanted, and with the former addresses of such peers. */
export function withFormerAddresses(observed: Observation, wanted: Wanted): Wanted {
  const kept = keptBy(observed, wanted);
  if (kept.length === 0) return wanted;
  const { main, second } = wanted;
  const extend = (one: WantedInterface) => extended(one, kept);
  const filter = wanted.filter && withMoreAddresses(wanted.filter, formerByAddress(kept, main));
  return { ...wanted, main: extend(main), second: second && extend(second), filter, former: kept };
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

export function formerNotes({ former = [] }: Wanted): string[] {
  return former.map(
    (it) =>
      `${it.name} keeps ${it.former.map(addressOf).join(", ")} until it answers at ${addressOf(it.address)}`,
  );
}

/**
 * The other addresses at which the host with this one may be, as its relay knows them: those of the same peer, and those that it
 * had before or has now by the lines of watched-keys.ts.
 */
export function otherAddresses(
  address: string,
  peers: Iterable<{ publicKey: string; allowedIps: readonly string[] }>,
  watched: readonly string[],
): string[] {
  const own = prefixOf(address)?.text ?? "";
  const peer = [...peers].find(({ allowedIps }) => allowedIps.includes(own));
  const recorded = watched.flatMap((line) => {
    const [kind, , at = "", former = "", now] = line.split(" ");
    if (kind === "former") return former.split(",").includes(own) ? [at] : [];
    return kind === "home" && now === peer?.publicKey ? [at] : [];
  });
  return [...new Set([...(peer?.allowedIps ?? []), ...recorded])]
    .filter((prefix) => isSingle(prefix) && prefix !== own)
    .map(addressOf);
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

/**
 * The config that was confirmed keeps what its push kept. A new one keeps what the peer has, and what the watcher has taken away
 * but is not settled: the host may still undo its change.
 */
function formerOf(
  peer: WantedPeer & { address: string },
  { devices, records }: Observation,
  wanted: Wanted,
): string[] {
  const { main } = wanted;
  const others = main.peers.flatMap(({ allowedIps }) => allowedIps);
  const keys = main.peers.filter(({ name }) => name === peer.name);
  const running = keys.flatMap(
    ({ publicKey }) => devices.get(main.name)?.peers.get(publicKey)?.allowedIps ?? [],
  );
  const isConfirmed = records.confirmed?.digest === wanted.digest;
  const lines = records.rotation ?? [];
  const unsettled = lines.filter((line) => !records.settled.includes(line));
  const known = isConfirmed
    ? recordedFormer(lines, main.name, [peer.address])
    : [...running, ...recordedFormer(unsettled, main.name, running)];
  return [...new Set(known)].filter((prefix) => isSingle(prefix) && !others.includes(prefix));
}

/** From lines of watched-keys.ts about one of these addresses. */
function recordedFormer(
  lines: readonly string[],
  name: string,
  addresses: readonly string[],
): string[] {
  return lines.flatMap((line) => {
    const [kind, of, address = "", former = ""] = line.split(" ");
    const isMeant = kind === "former" && of === name && addresses.includes(address);
    return isMeant ? former.split(",") : [];
  });
}

function extended(one: WantedInterface, kept: readonly FormerAddresses[]): WantedInterface {
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
