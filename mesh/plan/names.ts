/** The names of nodes under the domain of the network, and the DNS servers for them. */
import { addressesOf, type MeshConfig, type Network, type Node } from "../config/config";

/**
 * `NAME ADDRESS [ADDRESS6]` of every node, for `node`. Without ADDRESS6 if `node` itself has no IPv6 address, because it could
 * not reach one.
 */
export function namesKnownBy(node: Node, nodes: readonly Node[]): string[] {
  return nodes.map(({ name, address, address6 }) => {
    const ipv6 = address6 === null || node.address6 === null ? [] : [address6.text];
    return [name, address.text, ...ipv6].join(" ");
  });
}

/** Reports whether a node answers DNS queries of devices, in a network with a domain: pushed relays do. */
export function servesNames(kind: Node["kind"], isPushed: boolean): boolean {
  return kind === "relay" && isPushed;
}

/**
 * The DNS server and search domain of a device, whose /etc/hosts is not managed: its home relay, and the domain. Null for other
 * nodes, and if its relay does not answer.
 */
export function dnsOf(node: Node, home: Node | undefined, { domain }: Network) {
  if (domain === undefined || node.hosts.length > 0 || !home) return null;
  if (!servesNames(home.kind, home.hosts.length > 0)) return null;
  const ipv6 = node.address6 === null || home.address6 === null ? [] : [home.address6.text];
  return { servers: [home.address.text, ...ipv6], domain };
}

/** `NAME.DOMAIN ADDRESS [ADDRESS6]`, one line for each node; null without a domain. */
export function namesText({
  network,
  nodes,
}: Pick<MeshConfig, "network" | "nodes">): string | null {
  const { domain } = network;
  if (domain === undefined) return null;
  return nodes
    .map((node) => [`${node.name}.${domain}`, ...addressesOf(node).map(({ text }) => text)])
    .map((parts) => `${parts.join(" ")}\n`)
    .join("");
}
