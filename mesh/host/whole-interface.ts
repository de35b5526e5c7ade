/** Steps that create or delete a WireGuard interface. */
import { addressLines, restorableRoutes, routeLine } from "./change-links";
import type { LiveStep } from "./change";
import type { Whereabouts } from "./change-peers";
import type { Link } from "./network-state";
import type { Observation } from "./observation";
import { wantedPrefixes } from "./peer-differences";
import { routeDifferences } from "./route-differences";
import { ipStep, type Part } from "./steps";
import { hasExpired } from "./tasks";
import type { Wanted } from "./wanted";
import type { WantedInterface } from "./wanted-interface";
import {
  formerSection,
  kickSteps,
  KEY_OF_NOW,
  newSection,
  NO_KEY,
  privateKeyText,
  wgStep,
  type PeerSection,
} from "./wg-text";
import { formatNumericEndpoint, type WireGuardDevice } from "./wireguard-state";

/** A new interface; undone by deleting it. */
export function createInterface(
  one: WantedInterface,
  mtu: number,
  observed: Observation,
  wanted: Wanted,
  taken: Whereabouts,
): Part {
  const { name } = one;
  const { listenPort, mark } = one;
  const own = { privateKey: privateKeyText(one), listenPort, mark };
  const prefixes = wantedPrefixes(null, one, wanted);
  const due = one.peers.filter((peer) => !hasExpired(peer, observed));
  const peers = due.map((peer): PeerSection => {
    const fresh = newSection(peer, prefixes.get(peer.publicKey) ?? [], observed);
    const heard = taken.get(peer.publicKey);
    return { ...fresh, endpoint: fresh.endpoint ?? (heard ? formatNumericEndpoint(heard) : null) };
  });
  const heard = peers.filter(({ publicKey }) => taken.has(publicKey));
  const routes = routeDifferences(one, observed).map(({ route }) => route);
  return {
    apply: [
      { do: "link", interface: name },
      ...wgStep(name, own, peers),
      ...ipStep([
        `link set mtu ${mtu} dev ${name}`,
        ...addressLines(name, [...one.addresses, ...(one.formerAddresses ?? [])]),
        `link set up dev ${name}`,
        ...routes.map((route) => routeLine("add", route)),
      ]),
      ...kickSteps(name, heard),
    ],
    undo: [{ do: "unlink", interface: name }],
  };
}

/** Deletes an interface; the undo creates it again from the observation. */
export function removeInterface(
  { name, mtu, addresses, up }: Link,
  device: WireGuardDevice | undefined,
  observed: Observation,
): Part {
  const privateKey = (device?.publicKey ?? null) === null ? NO_KEY : KEY_OF_NOW;
  const peers = [...(device?.peers.values() ?? [])].map((peer) => formerSection(peer, true));
  const key = `net/ipv4/conf/${name}/rp_filter`;
  const value = observed.sysctls.get(key);
  const sysctl: LiveStep[] = value === undefined ? [] : [{ do: "sysctl", key, value }];
  return {
    apply: [{ do: "unlink", interface: name }],
    undo: [
      { do: "link", interface: name },
      ...wgStep(
        name,
        { privateKey, listenPort: device?.listenPort ?? null, mark: device?.mark ?? null },
        peers,
      ),
      ...ipStep([
        `link set mtu ${mtu} dev ${name}`,
        ...addressLines(name, addresses),
        ...(up ? [`link set up dev ${name}`] : []),
        ...restorableRoutes(name, observed).map((route) => routeLine("add", route)),
      ]),
      ...sysctl,
      ...kickSteps(name, peers),
    ],
  };
}
