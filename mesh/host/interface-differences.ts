/** The differences of one WireGuard interface without its peers and routes. */
import { BYPASS_MARK } from "../exit-routing";
import type { LiveDifference } from "./difference";
import { splitAt } from "./lines";
import type { Link } from "./network-state";
import type { Observation } from "./observation";
import { configPath } from "./paths";
import type { Wanted } from "./wanted";
import type { WantedInterface } from "./wanted-interface";
import type { WireGuardDevice } from "./wireguard-state";

/** `mtu` as of `mtuOf`. */
export function interfaceDifferences(
  link: Link,
  device: WireGuardDevice,
  one: WantedInterface,
  mtu: number,
): LiveDifference[] {
  const of = { interface: one.name };
  const { publicKey, listenPort } = device;
  const wantedPort = one.listenPort ?? listenPort;
  const differs = <T>(is: T, wanted: T) => (is === wanted ? [] : [{ ...of, is, wanted }]);
  return [
    ...(link.up ? [] : [{ ...of, kind: "interface", is: "down" } as const]),
    ...differs<string | null>(publicKey, one.publicKey).map(
      ({ is }) => ({ ...of, kind: "public-key", is, wanted: one.publicKey }) as const,
    ),
    ...differs(listenPort, wantedPort).map((it) => ({ kind: "listen-port", ...it }) as const),
    ...differs(link.mtu, mtu).map((it) => ({ kind: "mtu", ...it }) as const),
    ...markDifference(device, one),
    ...addressDifferences(link, one),
  ];
}

/** If no mark is wanted, a mark of another program stays. */
function markDifference({ mark: is }: WireGuardDevice, one: WantedInterface): LiveDifference[] {
  const wanted = one.mark;
  const same = is === wanted || (wanted === null && is !== BYPASS_MARK);
  return same ? [] : [{ kind: "mark", interface: one.name, is, wanted }];
}

function addressDifferences({ addresses }: Link, one: WantedInterface): LiveDifference[] {
  const [present, wanted] = [new Set(addresses), new Set(one.addresses)];
  const mayStay = new Set(one.formerAddresses);
  const of = (address: string, is: "missing" | "extra"): LiveDifference => ({
    kind: "address",
    interface: one.name,
    address,
    is,
  });
  return [
    ...[...wanted].filter((address) => !present.has(address)).map((it) => of(it, "missing")),
    ...[...present]
      .filter((address) => !wanted.has(address) && !mayStay.has(address))
      .map((it) => of(it, "extra")),
  ];
}

const USUAL_MTU = 1500;
/** Bytes of the IPv6, UDP and WireGuard headers. */
const OVERHEAD = 80;

/**
 * The MTU of the first interface, and of the second one unless its config sets it. If the config has none: the one that was
 * recorded when the interface was created; else, if the confirmed config had none either, the running one; else one that fits
 * the device of the default route.
 */
export function mtuOf(observed: Observation, { main }: Wanted): number {
  const { network, records } = observed;
  const lines = observed.configs.get(configPath(main.name));
  const named = lines?.some((line) => splitAt(line, "=")[0].trim() === "MTU") ?? true;
  const running = named ? undefined : network.links.get(main.name)?.mtu;
  return main.mtu ?? records.confirmed?.ownMtu ?? running ?? fittingMtu(observed);
}

/** As wg-quick(8) computes it. */
function fittingMtu({ network: { routes, links } }: Observation): number {
  const way = routes.find(({ prefix, table }) => prefix === "default" && table === "main");
  return (links.get(way?.device ?? "")?.mtu ?? USUAL_MTU) - OVERHEAD;
}
