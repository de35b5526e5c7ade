/** Where a host may be that only the tunnel leads to, as its relays know it by their peers and the lines of watched-keys.ts. */
import { addressOf, isSingle, prefixOf } from "./prefixes";
import { formerIn, pairsIn } from "./watched-keys";

export interface RelayRecord {
  peers: readonly { publicKey: string; allowedIps: readonly string[] }[];
  watched: readonly string[];
}

/** The addresses of a host. `publicKey`: null if it is unknown; then the peer counts that has its address. */
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
  // Also what the watcher has taken away from the peer: the host may have gone back since.
  const recorded = formerIn(watched).flatMap(({ address: at, former }) => [
    ...(at === own ? former : []),
    ...(former.includes(own) ? [at] : []),
  ]);
  return [...new Set([...known, ...homes, ...recorded])].filter(isSingle).map(addressOf);
}

/** A key, and the other one of a host with two. */
function keysOf(key: string | undefined, watched: readonly string[]): Set<string> {
  if (key === undefined) return new Set();
  return new Set([
    key,
    ...pairsIn(watched)
      .filter((pair) => pair.includes(key))
      .flat(),
  ]);
}
