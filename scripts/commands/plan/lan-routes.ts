/** The routes that must be set by hand on the routers of LANs behind gateways. */
import { addressIn, contains, type Prefix } from "../../../mesh/addresses";
import { tunnelPrefixes, type Node } from "../../../mesh/config/config";
import type { Plan } from "../../../mesh/plan/plan";

/** The router of a LAN behind a gateway. */
export interface LanRouter {
  lan: Prefix;
  /** Its prefix in the network; the same, unless its gateway translates addresses. */
  as: Prefix;
  /** The node that the LAN is behind. */
  gateway: string;
  /** The gateway's address in that LAN; null where the config does not have it. */
  via: string | null;
}

/** Each router needs a route to the tunnels, and to the LANs of the other routers. */
export interface LanRoutes {
  tunnels: Prefix[];
  routers: LanRouter[];
  /** The routers whose gateway masquerades: they need no routes, but the other routers need routes to their LANs. */
  others: LanRouter[];
}

/** O(LANs): the routes themselves are as many as the LANs squared, see routesOf. */
export function lanRoutes({ nodes, network }: Plan): LanRoutes {
  const routers = nodes.flatMap((node) =>
    node.subnets.map((as) => {
      const lan = as.lan ?? as;
      return { lan, as, gateway: node.name, via: lanAddress(node, lan) };
    }),
  );
  const tunnels = tunnelPrefixes(network);
  const masquerading = new Set(nodes.flatMap(({ name, masquerade }) => (masquerade ? [name] : [])));
  return {
    tunnels,
    routers: routers.filter(({ gateway }) => !masquerading.has(gateway)),
    others: routers.filter(({ gateway }) => masquerading.has(gateway)),
  };
}

/** The destinations of the routes that one router needs: none to its gateway's own LANs, or of the other address family. */
export function routesOf(
  { lan, gateway }: LanRouter,
  { tunnels, routers, others }: LanRoutes,
): string[] {
  const elsewhere = [...routers, ...others].filter((other) => other.gateway !== gateway);
  return [...tunnels, ...elsewhere.map((other) => other.as)]
    .filter((prefix) => prefix.family === lan.family)
    .map(({ text }) => text);
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
