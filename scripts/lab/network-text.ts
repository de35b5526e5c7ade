/** A layout as text for ip(8) and nft(8): what makes the cables, and what each namespace is told. Pure. */
import type { Cable, LaidNode, Layout } from "./layout";
import type { Nat } from "./world";

/** `ip -batch` lines, for the machine: the node's namespace. */
export function namespaceLine(node: LaidNode): string {
  return `netns add ${node.namespace}`;
}

/** `ip -batch` lines, for the machine: the node's cables, both ends made in their namespaces and never elsewhere. */
export function cableLines(layout: Layout, node: LaidNode): string[] {
  return node.cables.map((cable) => {
    const far = holderOf(layout, cable).namespace;
    const near = `link add ${cable.device} address ${hardwareAddress(cable)} netns ${node.namespace}`;
    return `${near} type veth peer name ${cable.into.port} netns ${far}`;
  });
}

/** `ip -batch` lines, for the node's own namespace: bridges with the cables in them, addresses, routes. */
export function interfaceLines(layout: Layout, node: LaidNode): string[] {
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
      ...addresses.map((address) => `addr add ${address} dev ${name} ${trust(address)}`),
    ]),
    ...node.routes.map((route) => `route add ${route}`),
  ];
}

/** `ip -batch` lines, for the namespace of the bridge: the cable put into it. */
export function plugLines(cable: Cable): string[] {
  const { port, bridge } = cable.into;
  const isolation = cable.isolated ? "on" : "off";
  return [
    `link set ${port} master ${bridge} up`,
    `link set ${port} type bridge_slave isolated ${isolation}`,
  ];
}

/** The line that pulls it out again: the node's end keeps its carrier, and every packet is lost in silence. */
export function unplugLine(cable: Cable): string {
  return `link set ${cable.into.port} nomaster`;
}

export function holderOf(layout: Layout, cable: Cable): LaidNode {
  const holder = layout.nodes.find((node) => node.name === cable.into.node);
  if (holder === undefined) throw new Error(`no node ${cable.into.node} in the layout`);
  return holder;
}

/**
 * The router's rules: what comes from the LAN goes out under the router's address, answers come back, a forwarded port
 * gets in, all else from outside is dropped, also what is meant for the router itself.
 */
export function routerRules(nat: Nat): string {
  // nft 1.0.6 wants a newline before each closing brace.
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

/** The same after a reboot, as a network card's is: 02:00, then the IPv4 address. */
function hardwareAddress(cable: Cable): string {
  const [address = ""] = (cable.addresses[0] ?? "").split("/");
  const octets = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return ["02", "00", ...octets].join(":");
}

/** IPv6: without duplicate address detection an address is usable at once. */
function trust(address: string): string {
  return address.includes(":") ? "nodad" : "";
}
