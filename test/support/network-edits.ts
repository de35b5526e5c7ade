/** Edits of a raw network that a user might make between two runs. */
import fc from "fast-check";
import { keyPair } from "./key-pairs";
import type { RawNetwork } from "./networks";

/** Adds a peer with only an address and a key. */
export function withNewPeer(network: RawNetwork, name = "new-peer"): RawNetwork {
  return withPeer(network, name, 1, {});
}

/** Adds such a peer with `relay` as its home, and addresses in that relay's range (test/support/networks.ts). */
export function withNewPeerIn(network: RawNetwork, relay: string): RawNetwork {
  const [, first = ""] =
    /^10\.86\.0\.(\d+)/.exec(String(network.relays[relay]?.["peersCidr"])) ?? [];
  return withPeer(network, "new-peer", Number(first) + 1, { relay });
}

function withPeer(
  network: RawNetwork,
  name: string,
  least: number,
  fields: Record<string, unknown>,
): RawNetwork {
  const taken = JSON.stringify(network);
  const byte = Array.from({ length: 255 - least }, (_, at) => at + least).find(
    (candidate) => !taken.includes(`"10.86.0.${candidate}"`),
  );
  const address6 = `fd5c:10::${(byte ?? 0).toString(16)}`;
  const node = {
    address: `10.86.0.${byte ?? 0}`,
    ...("cidr6" in network.network ? { address6 } : {}),
    publicKey: keyPair(100).publicKey,
    ...fields,
  };
  return { ...network, peers: { ...network.peers, [name]: node } };
}

export function withoutPeer(network: RawNetwork, name: string): RawNetwork {
  return {
    ...network,
    peers: without(network.peers, name),
    privateKeys: without(network.privateKeys, name),
  };
}

/** Renames a peer. */
export function renamed(network: RawNetwork, from: string, to: string): RawNetwork {
  const rename = <T>(map: Record<string, T>) =>
    Object.fromEntries(
      Object.entries(map).map(([name, value]) => [name === from ? to : name, value]),
    );
  return { ...network, peers: rename(network.peers), privateKeys: rename(network.privateKeys) };
}

/** The same network with the entries of all its maps in another order. */
export function shuffled(network: RawNetwork): fc.Arbitrary<RawNetwork> {
  return fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })).map((dice) => {
    return shuffleMaps(network, () => Number(dice.next().value)) as RawNetwork;
  });
}

function shuffleMaps(value: unknown, roll: () => number): unknown {
  if (typeof value !== "object" || value === null || value.constructor !== Object) return value;
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, shuffleMaps(inner, roll)] as const,
  );
  const ranked = entries.map((entry) => ({ entry, rank: roll() }));
  return Object.fromEntries(ranked.sort((a, b) => a.rank - b.rank).map(({ entry }) => entry));
}

function without<T>(map: Record<string, T>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => key !== name));
}
