/** The routes that the routers of LANs behind gateways need, where this program cannot set them. */
import { addressIn, contains, type Prefix } from "../../../mesh/addresses";
import type { Node } from "../../../mesh/config/config";
import type { Plan } from "../../../mesh/plan/plan";

interface LanRoute {
  /** The LAN whose router needs the route. */
  lan: string;
  /** The node that the LAN is behind. */
  gateway: string;
  /** The gateway's address in that LAN; null where the config does not have it. */
  via: string | null;
  prefix: string;
}

/** To the tunnel's prefixes and to the LANs behind other gateways, of the same address family. */
export function lanRoutes({ nodes, network }: Plan): LanRoute[] {
  const tunnels = network.cidr6 === null ? [network.cidr] : [network.cidr, network.cidr6];
  return nodes.flatMap((gateway) =>
    gateway.subnets.flatMap((lan) => {
      const others = nodes.filter((node) => node !== gateway).flatMap((node) => node.subnets);
      const prefixes = [...tunnels, ...others].filter((prefix) => prefix.family === lan.family);
      const via = lanAddress(gateway, lan);
      return prefixes.map(({ text: prefix }) => ({
        lan: lan.text,
        gateway: gateway.name,
        via,
        prefix,
      }));
    }),
  );
}

/** The gateway's SSH or site address that is in the LAN. */
function lanAddress(gateway: Node, lan: Prefix): string | null {
  const hosts = gateway.hosts.flatMap((host) => (host.kind === "ssh" ? [host.address] : []));
  const site = gateway.siteEndpoint === null ? [] : [gateway.siteEndpoint.host];
  const address = [...hosts, ...site]
    .flatMap((host) => addressIn(host) ?? [])
    .find((candidate) => contains(lan, candidate));
  return address?.text ?? null;
}
