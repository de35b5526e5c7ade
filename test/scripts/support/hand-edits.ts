/** Manual changes on a host, as edits of its report on wg0. */
import type { Link } from "../../../mesh/host/network-state";
import type { Observation } from "../../../mesh/host/observation";
import type { Records } from "../../../mesh/host/records";
import type { WireGuardDevice, WireGuardPeer } from "../../../mesh/host/wireguard-state";

export type Edit = (observed: Observation) => Observation;

export function allOf(...edits: Edit[]): Edit {
  return (observed) => edits.reduce((soFar, edit) => edit(soFar), observed);
}

export function peers(edit: (peers: WireGuardPeer[]) => WireGuardPeer[]): Edit {
  return (observed) => {
    const all = [...(observed.devices.get("wg0")?.peers.values() ?? [])];
    return device({ peers: new Map(edit(all).map((peer) => [peer.publicKey, peer])) })(observed);
  };
}

export function firstPeer(fields: Partial<WireGuardPeer>): Edit {
  return peers((all) => all.map((peer, at) => (at === 0 ? { ...peer, ...fields } : peer)));
}

export function device(fields: Partial<WireGuardDevice>): Edit {
  return (observed) => ({
    ...observed,
    devices: new Map(
      [...observed.devices].map(([name, one]) => [
        name,
        name === "wg0" ? { ...one, ...fields } : one,
      ]),
    ),
  });
}

export function link(fields: Partial<Link>): Edit {
  return (observed) =>
    withLinks(observed, (one) => (one.name === "wg0" ? [{ ...one, ...fields }] : [one]));
}

export function deleted(name: string): Edit {
  return (observed) => ({
    ...withLinks(observed, (one) => (one.name === name ? [] : [one])),
    devices: new Map([...observed.devices].filter(([other]) => other !== name)),
  });
}

export function noRoute(prefix: string): Edit {
  return ({ network, ...observed }) => ({
    ...observed,
    network: { ...network, routes: network.routes.filter((route) => route.prefix !== prefix) },
  });
}

export function sysctl(key: string, value: string): Edit {
  return (observed) => ({ ...observed, sysctls: new Map([...observed.sysctls, [key, value]]) });
}

export function records(fields: Partial<Records>): Edit {
  return (observed) => ({ ...observed, records: { ...observed.records, ...fields } });
}

/** `digest` null: the file is gone. */
export function file(path: string, digest: string | null): Edit {
  return (observed) => {
    const others = [...observed.digests].filter(([other]) => other !== path);
    const all = digest === null ? others : [...others, [path, digest] as const];
    return { ...observed, digests: new Map(all) };
  };
}

function withLinks(
  { network, ...observed }: Observation,
  edit: (link: Link) => Link[],
): Observation {
  const links = [...network.links.values()].flatMap(edit);
  return {
    ...observed,
    network: { ...network, links: new Map(links.map((one) => [one.name, one])) },
  };
}
