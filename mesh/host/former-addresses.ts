/**
 * A host that only the tunnel leads to is pushed to after its relay, at its former tunnel address. So its relay keeps that
 * address beside the new one, and so does a relay that was its home before. Their watchers remove it while the host answers at
 * the new one. If the whole network is renumbered, the relay also keeps its own former address until all hosts have moved. The
 * boot file has both until the next config.
 */
import { Secret } from "../secret";
import { withMoreAddresses } from "./filter";
import type { Observation } from "./observation";
import { addressOf, isSingle, prefixOf, PrefixSet } from "./prefixes";
import { keptByOthers, keptByPeers } from "./kept-addresses";
import type { FormerAddresses, Wanted } from "./wanted";
import type { WantedInterface, WantedPeer } from "./wanted-interface";

/** As wanted, and with the former addresses of such peers. */
export function withFormerAddresses(observed: Observation, wanted: Wanted): Wanted {
  if (wanted.former !== undefined) return wanted;
  const kept = [...keptByPeers(observed, wanted), ...keptByOthers(observed, wanted)];
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

/** Former addresses of the same family by new address: the filter allows at them what it allows at the new one. */
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
    ...own.map(
      (it) =>
        `this host keeps its former address ${it} until all hosts have moved to the new network`,
    ),
  ];
}

/** The relay's own former addresses: hosts that have not moved still send their answers to them. */
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

function extended(one: WantedInterface, kept: readonly FormerAddresses[]): WantedInterface {
  const of = ({ publicKey, allowedIps: [address] }: WantedPeer) =>
    kept.flatMap((it) =>
      (it.key === undefined ? it.address === address : it.key === publicKey) ? it.former : [],
    );
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
