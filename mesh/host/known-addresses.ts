/** Possible addresses of a host that is reached only through the tunnel, from its relays' peers and watcher lines. */
import { addressOf, isSingle, prefixOf } from "./prefixes";
import { formerIn, pairsIn } from "./watched-keys";

export interface RelayRecord {
  peers: readonly { publicKey: string; allowedIps: readonly string[] }[];
  watched: readonly string[];
}

/** `publicKey`: null if unknown; then the peer with the host's address is used. */
export function addressesKnownBy(
  { peers, watched }: RelayRecord,
  { address, publicKey }: { address: string; publicKey: string | null },
): string[] {
  const own = prefixOf(address)?.text ?? "";
  const keys = keysOf(
    publicKey ?? peers.find((it) => it.allowedIps.includes(own))?.publicKey,
    watched,
  );
  const known = peers.flatMap((it) => (keys.has(it.publicKey) ? it.allowedIps : []));
  const homes = watched.flatMap((line) => {
    const [kind, , at = "", former = "", now = ""] = line.split(" ");
    return kind === "home" && (keys.has(former) || keys.has(now)) ? [at] : [];
  });
  // Also addresses that the watcher has removed, because the host may have undone its change.
  const recorded = formerIn(watched).flatMap(({ address: at, former }) => [
    ...(at === own ? former : []),
    ...(former.includes(own) ? [at] : []),
  ]);
  return [...new Set([...known, ...homes, ...recorded])].filter(isSingle).map(addressOf);
}

/** The keys of a host, which has two during a rotation. */
function keysOf(key: string | undefined, watched: readonly string[]): Set<string> {
  if (key === undefined) return new Set();
  return new Set([
    key,
    ...pairsIn(watched)
      .filter((pair) => pair.includes(key))
      .flat(),
  ]);
}
