/** Compares the meaning of two wg-quick(8) files, without order, comments and spelling. */
import { disjoint, enclosing } from "../addresses";
import { formatEndpoint } from "../config/config";
import type { QuickPeer, WgQuickFile } from "../wg-quick/file";

/**
 * The differences of `now` from `was`, one line each. `isPushed`: a push compares the running interface too, so a prefix length
 * counts even if it leads to the same routes.
 */
export function compareFiles(
  was: WgQuickFile,
  now: WgQuickFile,
  names: ReadonlyMap<string, string>,
  isPushed: boolean,
): string[] {
  const peers = new Map(now.peers.map((peer) => [peer.publicKey, peer]));
  const before = new Map(was.peers.map((peer) => [peer.publicKey, peer]));
  const nameOf = (key: string) => names.get(key) ?? key;
  return [
    ...(was.privateKey?.reveal() === now.privateKey?.reveal() ? [] : ["another PrivateKey"]),
    ...addresses(was, now, isPushed),
    ...changed("ListenPort", was.listenPort, now.listenPort),
    ...changed("MTU", was.mtu, now.mtu),
    ...changed("DNS", listOf(was.dns), listOf(now.dns)),
    ...was.peers.flatMap((peer) => {
      const other = peers.get(peer.publicKey);
      const name = nameOf(peer.publicKey);
      return other === undefined ? [`peer ${name}: missing`] : comparePeers(peer, other, name);
    }),
    ...now.peers.flatMap(({ publicKey }) =>
      before.has(publicKey) ? [] : [`peer ${nameOf(publicKey)}: added`],
    ),
  ];
}

function comparePeers(was: QuickPeer, now: QuickPeer, name: string): string[] {
  const key = (peer: QuickPeer) => peer.presharedKey?.reveal() ?? null;
  const endpoint = (peer: QuickPeer) => peer.endpoint && formatEndpoint(peer.endpoint);
  const allowed = (peer: QuickPeer) => listOf(peer.allowedIps.map(({ text }) => text));
  return [
    ...(key(was) === key(now) ? [] : ["another PresharedKey"]),
    ...changed("AllowedIPs", allowed(was), allowed(now)),
    ...changed("Endpoint", endpoint(was), endpoint(now)),
    ...changed("PersistentKeepalive", was.keepalive || null, now.keepalive || null),
  ].map((difference) => `peer ${name}: ${difference}`);
}

function addresses(was: WgQuickFile, now: WgQuickFile, isPushed: boolean): string[] {
  const full = ({ addresses }: WgQuickFile) =>
    listOf(addresses.map(({ text, length }) => `${text}/${length}`));
  const bare = ({ addresses }: WgQuickFile) => listOf(addresses.map(({ text }) => text));
  const isSame = !isPushed && bare(was) === bare(now) && routes(was) === routes(now);
  return isSame ? [] : changed("Address", full(was), full(now));
}

/** The prefixes that wg-quick makes routes for, without those inside others. */
function routes({ addresses, peers }: WgQuickFile): string | null {
  const own = addresses.map((address) => enclosing(address, address.length));
  const sent = peers.flatMap(({ allowedIps }) => allowedIps);
  return listOf(disjoint([...own, ...sent]).map(({ text }) => text));
}

function listOf(values: readonly string[]): string | null {
  return values.length === 0 ? null : [...new Set(values)].sort().join(", ");
}

function changed<T>(what: string, was: T | null, now: T | null): string[] {
  const text = (value: T | null) => (value === null ? "none" : String(value));
  return was === now ? [] : [`${what} ${text(now)} instead of ${text(was)}`];
}
