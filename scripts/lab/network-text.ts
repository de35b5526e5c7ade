/** Renders a layout as input for ip(8) and nft(8). Pure. */
import type { Cable, NodeLayout, Layout } from "./layout";
import type { Nat } from "./world";

/** The `ip -batch` line that creates the node's namespace. */
export function namespaceLine(node: NodeLayout): string {
  return `netns add ${node.namespace}`;
}

/** The `ip -batch` lines that create the node's cables, each end directly in its namespace. */
export function cableLines(layout: Layout, node: NodeLayout): string[] {
  return node.cables.map((cable) => {
    const farNamespace = bridgeNode(layout, cable).namespace;
    const nearEnd = `link add ${cable.device} address ${hardwareAddress(cable)} netns ${node.namespace}`;
    return `${nearEnd} type veth peer name ${cable.into.port} netns ${farNamespace}`;
  });
}

/** The `ip -batch` lines for inside the node's namespace: bridges with their ports, addresses, routes. */
export function interfaceLines(layout: Layout, node: NodeLayout): string[] {
  const devices = [
    ...node.bridges,
    ...node.cables.map((cable) => ({ ...cable, name: cable.device })),
  ];
  return [
    "link set lo up",
    ...node.bridges.map((bridge) => `link add ${bridge.name} type bridge`),
    ...cablesInto(layout, node.name).flatMap(plugLines),
    ...devices.flatMap(({ name, addresses }) => [
      `link set ${name} up`,
      ...addresses.map((address) => `addr add ${address} dev ${name} ${addressFlags(address)}`),
    ]),
    ...node.routes.map((route) => `route add ${route}`),
  ];
}

/** The `ip -batch` lines, in the bridge's namespace, that attach the cable to the bridge. */
export function plugLines(cable: Cable): string[] {
  const { port, bridge } = cable.into;
  const isolation = cable.isolated ? "on" : "off";
  return [
    `link set ${port} master ${bridge} up`,
    `link set ${port} type bridge_slave isolated ${isolation}`,
  ];
}

/** The line that detaches it: the node's end keeps its carrier, and packets are dropped silently. */
export function unplugLine(cable: Cable): string {
  return `link set ${cable.into.port} nomaster`;
}

export function bridgeNode(layout: Layout, cable: Cable): NodeLayout {
  const node = layout.nodes.find(({ name }) => name === cable.into.node);
  if (node === undefined) throw new Error(`no node ${cable.into.node} in the layout`);
  return node;
}

/**
 * The router's rules: masquerade traffic from the LAN, accept replies and forwarded ports, drop everything else from
 * outside, including traffic to the router itself.
 */
export function routerRules(nat: Nat): string {
  // nft 1.0.6 needs a newline before each closing brace.
  return `
table ip nat {
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
${(nat.forward ?? []).map(forwardRule).join("")}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "eth0" masquerade
  }
}
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname { "lo", "lan0" } accept
    ct state established,related accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname "lan0" accept
    ct state established,related accept
    ct status dnat accept
  }
}
`;
}

function forwardRule([port, to]: [number, string]): string {
  return `    iifname "eth0" meta l4proto { tcp, udp } th dport ${port} dnat to ${to}\n`;
}

function cablesInto(layout: Layout, name: string): Cable[] {
  return layout.nodes.flatMap((node) => node.cables.filter((cable) => cable.into.node === name));
}

/** Derived from the IPv4 address (02:00, then its octets), so that it survives a reboot like a real card's. */
function hardwareAddress(cable: Cable): string {
  const [address = ""] = (cable.addresses[0] ?? "").split("/");
  const octets = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return ["02", "00", ...octets].join(":");
}

/** Without duplicate address detection an IPv6 address is usable at once. */
function addressFlags(address: string): string {
  return address.includes(":") ? "nodad" : "";
}
