/** The validated config: complete, canonical, without secrets. The input of mesh/plan. */
import type { IpAddress, Prefix } from "../addresses";
import { isPlaceholder } from "../placeholders";
import type { Ec2Spec } from "./ec2";
import type { PortRange } from "./ports";

export interface MeshConfig {
  network: Network;
  /** Sorted by name, without disabled and expired nodes. */
  nodes: Node[];
  /** Who may start connections to whom; null: all nodes to all. */
  policy: PolicyRule[] | null;
  expect: Expectation[];
  /** Whether links carry preshared keys (presharedKeySeed is set). */
  presharedKeys: boolean;
  /** Links with a preshared key of their own, as `a/b` in that order, sorted; absent: none. */
  linkKeys?: ReadonlySet<string>;
}

export interface Network {
  cidr: Prefix;
  cidr6: Prefix | null;
  interface: string;
  listenPort: number;
  /** Seconds; 0 is off (wg(8), PersistentKeepalive). */
  persistentKeepalive: number;
  mtu: number | null;
  /** `auto`: direct links to peers that can be dialled. `star`: all traffic through the relays. */
  topology: "auto" | "star";
  /** DNS domain of the names of nodes, in lower case; absent if they have none. */
  domain?: string;
}

export interface Node {
  name: string;
  kind: "relay" | "peer";
  address: IpAddress;
  address6: IpAddress | null;
  /** The current public key. */
  publicKey: string;
  /** The key of a rotation in progress, or null. */
  nextPublicKey: string | null;
  /** The key that the node itself uses. A relay that has its next key uses both. */
  ownKey: "current" | "next";
  /** Where the private key is: a secret in the config, only on the pushed host, or only on the device. */
  custody: "config" | "host" | "device";
  /** Whether the node has its next key, and `formerPrivateKeys` its old private key. */
  formerKey: boolean;
  /** UDP port at which a relay serves its next key, during a rotation and from then on. Null for a peer. */
  rotationPort: number | null;
  /** SSH targets in the order to try. Empty: its config is delivered as a file. */
  hosts: Host[];
  hostKeys: string[];
  /** The address where all nodes can dial it, or null. */
  endpoint: Endpoint | null;
  /** UDP port; null lets the kernel choose, for a node that is never dialled. */
  listenPort: number | null;
  site: string | null;
  /** The address where nodes of the same site can dial it. */
  siteEndpoint: Endpoint | null;
  /** LANs behind it. */
  subnets: Subnet[];
  /** For a relay: prefixes of its peers' addresses, which all other relays route to it. Absent: none. */
  peerRanges?: Prefix[];
  /** For a gateway: it replaces the source address of packets to its LANs by its own. Absent: no. */
  masquerade?: true;
  /** For a relay: it forwards the traffic of its peers with `routeAll` to the internet. Absent: no. */
  exit?: true;
  /** For an exit: addresses on the internet that answer a ping. Absent: none. */
  exitCheck?: IpAddress[];
  /** For a peer: all its traffic goes through its home relay, which is an exit. Absent: no. */
  routeAll?: true;
  /** For a peer with `routeAll` and no IPv6 address: its IPv6 traffic goes to the relay, which drops it. Absent: no. */
  blockIpv6?: true;
  /** For a device: its DNS servers. Absent: they are not changed. */
  dnsServers?: IpAddress[];
  /** Seconds, for the peers that it dials; null: the network's default. */
  persistentKeepalive: number | null;
  mtu: number | null;
  tags: string[];
  /** The EC2 instance to create for a relay; null for an existing machine. */
  ec2: Ec2Spec | null;
  /** A peer's home relay; null for a relay, and in a network without relays. */
  relay: string | null;
  /** Milliseconds since 1970; absent: never. */
  expires?: number;
}

/** A LAN behind a node, by its prefix in the network. */
export interface Subnet extends Prefix {
  /** Its own prefix, of the same length, if the gateway translates addresses one to one. Absent: the same. */
  lan?: Prefix;
}

export interface Endpoint {
  /** IPv4 address, IPv6 address without brackets, DNS name, or the placeholder of an Elastic IP. */
  host: string;
  port: number;
}

export type Host =
  | { kind: "local" }
  | { kind: "ssh"; user: string; address: string; port: number }
  | { kind: "via"; user: string; relay: string };

/** What `from` may start to `to`. Each entry is a node's name, `tag:NAME`, a LAN behind a node as CIDR, or `*`. */
export interface PolicyRule {
  from: string[];
  to: string[];
  /** Disjoint and sorted; null: everything. */
  ports: PortRange[] | null;
}

/** An assertion on reachability: `to` is a node's name or a LAN behind one. */
export interface Expectation {
  from: string;
  to: string;
  /** With `reach` all must be open, without it all closed; null: whether it answers a ping. */
  ports: PortRange[] | null;
  reach: boolean;
}

/** The prefixes that tunnel addresses come from: IPv4, then IPv6. */
export function tunnelPrefixes({ cidr, cidr6 }: Pick<Network, "cidr" | "cidr6">): Prefix[] {
  return cidr6 === null ? [cidr] : [cidr, cidr6];
}

/** The tunnel addresses of a node: IPv4, then IPv6. */
export function addressesOf({ address, address6 }: Pick<Node, "address" | "address6">) {
  return address6 === null ? [address] : [address, address6];
}

/** The default of `rotationPort`. */
export function defaultRotationPort(listenPort: number): number {
  return listenPort === 65535 ? listenPort - 1 : listenPort + 1;
}

/** `host:port` as wg(8) writes it, an IPv6 host in brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  const bare = !endpoint.host.includes(":") || isPlaceholder(endpoint.host);
  const host = bare ? endpoint.host : `[${endpoint.host}]`;
  return `${host}:${endpoint.port}`;
}
