/**
 * A second interface with the key of the first, which older versions left after a relay's rotation. Peers may have roamed to its
 * port, so it stays until no peer uses it.
 */
import { Secret } from "../secret";
import { isFresh } from "./endpoints";
import type { Observation } from "./observation";
import type { Wanted } from "./wanted";
import type { WantedPeer } from "./wanted-interface";

/** Adds such a second interface to the wanted state while peers use it. */
export function withKeptSecond(observed: Observation, wanted: Wanted): Wanted {
  const users = wanted.second === null ? usersOfKept(observed, wanted) : [];
  if (users.length === 0) return wanted;
  const { main } = wanted;
  const name = observed.records.second ?? "";
  const { listenPort = 0 } = observed.devices.get(name) ?? {};
  const sealed = (peer: WantedPeer): WantedPeer =>
    peer.presharedKey === null ? peer : { ...peer, presharedKey: Secret.sealed() };
  const second = {
    ...{
      name,
      listenPort,
      publicKey: main.publicKey,
      privateKey: main.privateKey,
      text: Secret.sealed(),
    },
    ...{
      addresses: [],
      mtu: main.mtu,
      mark: null,
      sendsAll: false,
      routed: false,
      peers: main.peers.map(sealed),
    },
  };
  return { ...wanted, second, secondKeptFor: users };
}

/** Names of the peers that use it: their last handshake there is fresh, and not older than that on the first interface. */
export function usersOfKept(observed: Observation, { main }: Wanted): string[] {
  const device = observed.devices.get(observed.records.second ?? "");
  const first = observed.devices.get(main.name);
  if (device?.publicKey !== main.publicKey || first?.publicKey !== main.publicKey) return [];
  return main.peers.flatMap(({ name, publicKey }) => {
    const there = device.peers.get(publicKey);
    const here = first.peers.get(publicKey)?.latestHandshake ?? 0;
    const uses = there !== undefined && isFresh(there, observed) && there.latestHandshake >= here;
    return uses ? [name] : [];
  });
}

export function keptNote({ second, secondKeptFor: users, node }: Wanted): string[] {
  if (second === null || users === undefined) return [];
  return [
    `${second.name} at UDP port ${second.listenPort ?? 0} is left of an earlier rotation and still used by ${users.join(", ")}, so it stays; ` +
      `up moves those that it pushes to, and the others need their current config. A few minutes later: npx wireguard-mesh repush ${node}`,
  ];
}
