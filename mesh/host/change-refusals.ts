/** Reasons to refuse a change: it would break something, or fail. */
import { bootFiles } from "./boot-files";
import { takenDnsPort } from "./dns-server";
import { portRefusal } from "./former-port";
import { usersOfKept } from "./kept-second";
import { routeOptions, type Route } from "./network-state";
import type { Observation } from "./observation";
import { addressOf, isSingle, prefixOf, PrefixSet, type NumericPrefix } from "./prefixes";
import type { Refusal } from "./refusals";
import { allowedPrefixes, foreignRoutes } from "./route-differences";
import { interfacesOf, type Wanted } from "./wanted";
import { fullTunnelRefusal } from "./full-tunnel";

export function changeRefusal(observed: Observation, wanted: Wanted): Refusal | null {
  return (
    noPrivateKey(observed, wanted) ??
    mountedFile(observed, wanted) ??
    usedSecond(observed, wanted) ??
    takenDnsPort(observed, wanted) ??
    portRefusal(observed, wanted) ??
    fullTunnelRefusal(observed, wanted) ??
    ownLan(observed, wanted) ??
    foreignRoute(observed, wanted)
  );
}

function noPrivateKey({ ownKeys }: Observation, wanted: Wanted): Refusal | null {
  const lost = interfacesOf(wanted).find(
    ({ privateKey, publicKey }) => privateKey === null && !ownKeys.has(publicKey),
  );
  if (lost === undefined) return null;
  return {
    cause: `this host does not have the private key that belongs to ${lost.publicKey}: it was never made here, or is lost`,
    remedy: `make one there: npx wireguard-mesh rotate ${wanted.node} --revoke`,
  };
}

/** A file that is a mount point cannot be replaced, so the commit would fail. */
function mountedFile(observed: Observation, wanted: Wanted): Refusal | null {
  const files = bootFiles(observed, wanted);
  const mounted = files.find(({ path }) => observed.mountPoints.has(path));
  if (mounted === undefined) return null;
  return {
    cause: `${mounted.path} is a mount point, so it cannot be replaced; nothing was changed`,
    remedy: `unmount it there (umount ${mounted.path}), or bind-mount its folder instead`,
  };
}

/** Peers still use the second interface, which a new rotation would need. */
function usedSecond(observed: Observation, wanted: Wanted): Refusal | null {
  if (wanted.second === null || wanted.secondKeptFor !== undefined) return null;
  const users = usersOfKept(observed, wanted);
  if (users.length === 0) return null;
  return {
    cause: `${wanted.second.name} is left of an earlier rotation and still used by ${users.join(", ")}; nothing was changed`,
    remedy: `take them back to this relay's port: npx wireguard-mesh repush ${users[0] ?? ""} (each of them); a device needs its current config. Three minutes later run up again`,
  };
}

/**
 * A route through the tunnel to the host's own LAN would cut it off from its neighbours and its gateway. The kernel refuses
 * such a route only if the LAN's route has no metric.
 */
function ownLan(observed: Observation, wanted: Wanted): Refusal | null {
  const hit =
    shadowedLan(observed, wanted, newPrefixes(observed, wanted)) ?? hiddenPart(observed, wanted);
  if (hit === null) return null;
  return {
    cause: `${hit.prefix} would lead into the tunnel, and this host is in ${hit.lan ?? "that network"} itself, by ${hit.device}: nothing was changed`,
    remedy:
      hit.lan === undefined
        ? changeLanRemedy(wanted.node)
        : "choose another network.cidr, and addresses in it",
  };
}

export function changeLanRemedy(node: string): string {
  return `where it is the same network, give ${node} the same site as the node whose subnets these are; else change the prefix of one of the two (subnets, network.cidr)`;
}

interface HiddenLan {
  prefix: string;
  device: string;
  /** The network that contains `prefix`. */
  lan?: string;
}

/** A new address whose network hides a part of a LAN, such as the name server of a VPC. */
function hiddenPart(observed: Observation, { main }: Wanted): HiddenLan | null {
  const { links } = observed.network;
  const live = links.get(main.name)?.addresses ?? [];
  const added = main.addresses.filter((address) => !live.includes(address) && !isSingle(address));
  const networks = added.flatMap((address) => prefixOf(address) ?? []);
  for (const { name, addresses } of links.values()) {
    const connected = new PrefixSet(addresses.flatMap((address) => prefixOf(address) ?? []));
    for (const network of name === main.name ? [] : networks) {
      const lan = connected.longestCovering(network);
      if (lan !== null) return { prefix: network.text, device: name, lan: lan.text };
    }
  }
  return null;
}

/**
 * The first of `prefixes` (routed into the tunnel) that contains an address of another interface or its gateway, and is no
 * shorter than that interface's network.
 */
export function shadowedLan(
  observed: Observation,
  wanted: Wanted,
  prefixes: readonly NumericPrefix[],
): HiddenLan | null {
  const { links, routes } = observed.network;
  const own = [...interfacesOf(wanted).map(({ name }) => name), observed.records.second];
  const gateways = gatewaysByDevice(routes);
  const tunnel = new PrefixSet(prefixes);
  for (const { name, addresses } of links.values()) {
    if (own.includes(name)) continue;
    const connected = new PrefixSet(addresses.flatMap((address) => prefixOf(address) ?? []));
    const hosts = [...addresses.flatMap(hostOf), ...(gateways.get(name) ?? [])];
    for (const host of hosts) {
      const network = connected.longestCovering(host);
      const prefix = tunnel.longestCovering(host);
      if (network === null || prefix === null || prefix.length < network.length) continue;
      return { prefix: prefix.text, device: name };
    }
  }
  return null;
}

/** Prefixes that no running peer has. */
function newPrefixes({ devices }: Observation, { main }: Wanted): NumericPrefix[] {
  const peers = [...(devices.get(main.name)?.peers.values() ?? [])];
  const present = new Set(peers.flatMap(({ allowedIps }) => allowedIps));
  return [...allowedPrefixes(main).values()].filter(({ text }) => !present.has(text));
}

/** The gateways of default routes. */
function gatewaysByDevice(routes: readonly Route[]): Map<string, NumericPrefix[]> {
  const found = new Map<string, NumericPrefix[]>();
  for (const { prefix, device, gateway } of routes) {
    const host = prefix === "default" && gateway !== null ? prefixOf(gateway) : null;
    if (device === null || host === null) continue;
    const known = found.get(device);
    if (known === undefined) found.set(device, [host]);
    else known.push(host);
  }
  return found;
}

/** An interface's address without its network. */
function hostOf(address: string): NumericPrefix[] {
  const host = prefixOf(addressOf(address));
  return host === null ? [] : [host];
}

/** Adding the route would fail during the change, or take over another program's traffic. */
export function foreignRoute(observed: Observation, { main }: Wanted): Refusal | null {
  const [route] = foreignRoutes(main, observed);
  if (route === undefined) return null;
  const { prefix, type, protocol } = route;
  const way = (type === "unicast" ? "" : ` ${type}`) + routeOptions({ ...route, protocol: "boot" });
  return {
    cause: `this host has another route to ${prefix} (${way.trim()}, proto ${protocol}), and the tunnel needs one: nothing was changed`,
    remedy: `remove that one there (sudo ip route del ${type === "unicast" ? "" : `${type} `}${prefix}${routeOptions({ ...route, protocol: "boot" })}), or take ${prefix} out of the plan (subnets)`,
  };
}
