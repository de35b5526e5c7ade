/** Computes the layout of a world: for every node its namespace, cables, bridges, addresses and routes. Pure. */
import * as ipaddr from "ipaddr.js";
import { checkWorld } from "./world-check";
import type { Nat, World, WorldHost } from "./world";

/** The node that represents the providers' network: every public address is on its bridge. */
export const INTERNET = "internet";
/** The node on which the engine runs; it uses the machine's own file system. */
export const OPERATOR = "operator";

const INTERNET_GATEWAY = "203.0.113.1";
const INTERNET_GATEWAY6 = "2001:db8:113::1";
const OPERATOR_PUBLIC = ["203.0.113.250/24", "2001:db8:113::250/64"];
const MANAGEMENT_PREFIX = 16;
/** Hosts get 172.29.0.10 and up, in the order of the world. */
const FIRST_MANAGEMENT = 10;

/** A veth pair from a node to the bridge of another node. */
export interface Cable {
  /** The interface in the node. */
  device: string;
  /** Addresses with prefix length on that interface. */
  addresses: string[];
  /** The node with the bridge, and the interface at that end. */
  into: { node: string; bridge: string; port: string };
  /** An isolated port reaches the bridge's node, but no other isolated port. */
  isolated: boolean;
}

export interface Bridge {
  name: string;
  addresses: string[];
}

export interface NodeLayout {
  name: string;
  kind: "internet" | "operator" | "router" | "host";
  namespace: string;
  bridges: Bridge[];
  cables: Cable[];
  /** In ip-route(8) syntax. */
  routes: string[];
  /** Whether IP forwarding is on. */
  forwards: boolean;
  /** Routers only: NAT and port forwarding. */
  nat?: Nat;
}

export interface Layout {
  /** The internet first, then the operator, routers and hosts: a node comes after the bridges that it connects to. */
  nodes: NodeLayout[];
  /** Host name → its address on the operator's management network. */
  management: Record<string, string>;
}

/** The network namespace of a node. Ids and names have no dot, so no lab's prefix is a prefix of another's. */
export function namespaceOf(id: string, node: string): string {
  return `${namespacePrefix(id)}${node}`;
}

export function namespacePrefix(id: string): string {
  return `${LABS_PREFIX}${id}.`;
}

/** All namespaces of all labs begin with it. */
export const LABS_PREFIX = "wgm-";

/** @throws LabError that lists every error in the world. */
export function layoutOf(id: string, world: World): Layout {
  checkWorld(world);
  const nats = Object.entries(world.nats ?? {});
  const hosts = Object.entries(world.hosts);
  const management = Object.fromEntries(
    hosts.map(([name], index) => [name, managementAddress(index + FIRST_MANAGEMENT)]),
  );
  const nodes = [
    internetNode(),
    operatorNode(),
    ...nats.map(([name, nat], index) => routerNode(name, nat, index)),
    ...hosts.map(([name, host], index) => hostNode(name, host, index, world, management)),
  ];
  return {
    nodes: nodes.map((node) => ({ ...node, namespace: namespaceOf(id, node.name) })),
    management,
  };
}

type Unnamed = Omit<NodeLayout, "namespace">;

function internetNode(): Unnamed {
  const addresses = [`${INTERNET_GATEWAY}/24`, `${INTERNET_GATEWAY6}/64`];
  const bridges = [{ name: "inet0", addresses }];
  // There is no other network to forward to, but forwarding makes the kernel answer "network unreachable" at once.
  return { name: INTERNET, kind: "internet", bridges, cables: [], routes: [], forwards: true };
}

function operatorNode(): Unnamed {
  const address = `${managementAddress(1)}/${MANAGEMENT_PREFIX}`;
  return {
    name: OPERATOR,
    kind: "operator",
    bridges: [{ name: "mgmt0", addresses: [address] }],
    cables: [internetCable("eth0", OPERATOR_PUBLIC, "op")],
    routes: internetRoutes(),
    forwards: false,
  };
}

function routerNode(name: string, nat: Nat, index: number): Unnamed {
  return {
    name,
    kind: "router",
    bridges: [{ name: "lan0", addresses: [`${gatewayOf(nat)}/${prefixOf(nat.lan)}`] }],
    cables: [internetCable("eth0", [`${nat.public}/24`], `r${index}`)],
    routes: [`default via ${INTERNET_GATEWAY}`],
    forwards: true,
    nat,
  };
}

function hostNode(
  name: string,
  host: WorldHost,
  index: number,
  world: World,
  management: Record<string, string>,
): Unnamed {
  const outer = outerCable(host, index, world);
  const managed: Cable = {
    device: "mgmt0",
    addresses: [`${management[name] ?? ""}/${MANAGEMENT_PREFIX}`],
    into: { node: OPERATOR, bridge: "mgmt0", port: `h${index}` },
    isolated: true,
  };
  return {
    name,
    kind: "host",
    bridges: [],
    cables: [outer.cable, managed],
    routes: [...outer.routes, ...(host.routes ?? [])],
    forwards: host.forward ?? false,
  };
}

function outerCable(
  host: WorldHost,
  index: number,
  world: World,
): { cable: Cable; routes: string[] } {
  const port = `h${index}`;
  const nat = host.nat === undefined ? undefined : world.nats?.[host.nat];
  if (nat === undefined || host.nat === undefined) {
    const six = host.public6 === undefined ? [] : [`${host.public6}/64`];
    const cable = internetCable("eth0", [`${host.public ?? ""}/24`, ...six], port);
    return { cable, routes: internetRoutes().slice(0, 1 + six.length) };
  }
  const cable: Cable = {
    device: "eth0",
    addresses: [`${host.ip ?? ""}/${prefixOf(nat.lan)}`],
    into: { node: host.nat, bridge: "lan0", port },
    isolated: false,
  };
  return { cable, routes: [`default via ${gatewayOf(nat)}`] };
}

function internetCable(device: string, addresses: string[], port: string): Cable {
  const into = { node: INTERNET, bridge: "inet0", port };
  return { device, addresses, into, isolated: false };
}

function internetRoutes(): string[] {
  return [`default via ${INTERNET_GATEWAY}`, `default via ${INTERNET_GATEWAY6}`];
}

/** The router's own LAN address. */
export function gatewayOf(nat: Nat): string {
  if (nat.gw !== undefined) return nat.gw;
  const octets = ipaddr.IPv4.networkAddressFromCIDR(nat.lan).octets;
  return [...octets.slice(0, 3), (octets[3] ?? 0) + 1].join(".");
}

function prefixOf(cidr: string): number {
  return ipaddr.IPv4.parseCIDR(cidr)[1];
}

function managementAddress(number: number): string {
  return `172.29.${Math.floor(number / 256)}.${number % 256}`;
}
