/** Checks a change by pings through the tunnel; a handshake alone proves little. */
import type { Observation } from "./observation";
import { addressOf, isSingle } from "./prefixes";
import { interfacesOf, type Wanted } from "./wanted";
import type { WantedPeer } from "./wanted-interface";
import type { WireGuardPeer } from "./wireguard-state";

/**
 * Notes on peers that did not answer pings after the change. It is no error, because a peer may be off. `before`, `after`: the
 * observations before and after the change.
 */
export function proofNotes(before: Observation, after: Observation, wanted: Wanted): string[] {
  const lost = new Set(
    after.pings.filter(({ answered }) => !answered).map(({ address }) => address),
  );
  const unproven = wanted.mustShake;
  const isRotating = wanted.second !== null;
  return interfacesOf(wanted).flatMap((one) => {
    const running = after.devices.get(one.name)?.peers;
    const former = before.devices.get(one.name)?.peers;
    return one.peers.flatMap((peer) => {
      const is = running?.get(peer.publicKey);
      if (is === undefined || isStagedKey(peer, wanted) || unproven.includes(peer.publicKey))
        return [];
      const address = hostAddresses(peer).find((candidate) => lost.has(candidate));
      if (address === undefined) return [];
      if (hasShaken(is, former?.get(peer.publicKey))) return [silent(peer, address, one.name)];
      // A peer that dials this host uses one of the two interfaces until its own push.
      return isRotating && peer.endpoint === null ? [] : [unshaken(peer)];
    });
  });
}

/** The next key of a neighbour, which has no prefixes until it is used. */
function isStagedKey({ publicKey }: WantedPeer, { pairs }: Wanted): boolean {
  return pairs.some(({ next }) => next === publicKey);
}

function hostAddresses({ allowedIps }: WantedPeer): string[] {
  return allowedIps.filter(isSingle).map(addressOf);
}

/** Compares for change, not for order, because clocks may jump back. */
function hasShaken(is: WireGuardPeer, former: WireGuardPeer | undefined): boolean {
  return is.latestHandshake !== 0 && is.latestHandshake !== (former?.latestHandshake ?? 0);
}

function silent({ name }: WantedPeer, address: string, device: string): string {
  return (
    `${name} makes handshakes, but a ping to ${address} got no answer: a firewall there or here drops what comes out of the tunnel ` +
    `(another VPN's rule on these addresses, or none that accepts ${device})`
  );
}

function unshaken({ name, endpoint }: WantedPeer): string {
  return endpoint === null
    ? `no handshake with ${name} since the change: it has to dial this host`
    : `no handshake with ${name} at ${endpoint.text} since the change: is it on, and is its UDP port ${endpoint.port} open?`;
}
