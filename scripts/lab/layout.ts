/** A world laid out: for every node its namespace, cables, bridges, addresses and routes. Pure. */
import * as ipaddr from "ipaddr.js";
import { checkWorld } from "./world-check";
import type { Host, Nat, World } from "./world";

/** The node that stands for the provider's network: every public address is on its bridge. */
export const INTERNET = "internet";
/** The node on which the engine runs; it sees the machine's own files. */
export const OPERATOR = "operator";

const INTERNET_GATEWAY = "203.0.113.1";
const INTERNET_GATEWAY6 = "2001:db8:113::1";
const OPERATOR_PUBLIC = ["203.0.113.250/24", "2001:db8:113::250/64"];
const MANAGEMENT_PREFIX = 16;
/** Hosts get 172.29.0.10 and up, in the order of the world. */
const FIRST_MANAGEMENT = 10;

/** A cable from a node into the bridge of another one: a veth pair. */
export interface Cable {
  /** Its end in the node. */
  device: string;
  /** Addresses with prefix on that end. */
  addresses: string[];
  /** The node that holds the bridge, and the other end of the cable there. */
  into: { node: string; bridge: string; port: string };
  /** An isolated port reaches the bridge's holder, but no other isolated port. */
  isolated: boolean;
}

export interface Bridge {
  name: string;
  addresses: string[];
}

export interface LaidNode {
  name: string;
  kind: "internet" | "operator" | "router" | "host";
  namespace: string;
  bridges: Bridge[];
  cables: Cable[];
  /** In ip-route(8)'s words. */
  routes: string[];
  /** Whether the kernel passes packets on here. */
  forwards: boolean;
  /** Only a router: what it translates and lets in. */
  nat?: Nat;
}

export interface Layout {
  /** The internet first, then the operator, routers and hosts, each after the holders of its bridges. */
  nodes: LaidNode[];
  /** By host: its address on the operator's management network. */
  management: Record<string, string>;
}

/** The network namespace of a node. A dot never stands in an id or a name, so that one lab's prefix is never another's. */
export function namespaceOf(id: string, node: string): string {
  return `${namespacePrefix(id)}${node}`;
}

export function namespacePrefix(id: string): string {
  return `wgm-${id}.`;
}

/** @throws LabError naming everything that is wrong with the world. */
export function layOut(id: string, world: World): Layout {
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

type Unnamed = Omit<LaidNode, "namespace">;

function internetNode(): Unnamed {
  const addresses = [`${INTERNET_GATEWAY}/24`, `${INTERNET_GATEWAY6}/64`];
  const bridges = [{ name: "inet0", addresses }];
  // It passes nothing on in fact (it has no other network), but says so at once: "network unreachable".
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
  host: Host,
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

function outerCable(host: Host, index: number, world: World): { cable: Cable; routes: string[] } {
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
