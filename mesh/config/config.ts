/** The validated config: total, canonical, without secrets. What mesh/plan computes from. */
import type { IpAddress, Prefix } from "../addresses";
import { isPlaceholder } from "../placeholders";
import type { Ec2Spec } from "./ec2";

export interface MeshConfig {
  network: Network;
  /** Every node that takes part, sorted by name: disabled and expired ones are left out. */
  nodes: Node[];
  expect: Expectation[];
  /** Whether links carry preshared keys (presharedKeySeed is set). */
  presharedKeys: boolean;
}

export interface Network {
  cidr: Prefix;
  cidr6: Prefix | null;
  interface: string;
  listenPort: number;
  /** Seconds; 0 is off (wg(8), PersistentKeepalive). */
  persistentKeepalive: number;
  mtu: number | null;
  /** `auto`: nodes that one side can dial are linked directly. `star`: all traffic through the relays. */
  topology: "auto" | "star";
}

export interface Node {
  name: string;
  kind: "relay" | "peer";
  address: IpAddress;
  address6: IpAddress | null;
  /** The key that the network accepts now. */
  publicKey: string;
  /** The key that it is moving to, or null. */
  nextPublicKey: string | null;
  /** Which of the two the node itself has got. A relay that has got the next one holds both. */
  ownKey: "current" | "next";
  /**
   * `config`: the private key is a secret of the stack. `host`: it was made on the host that we push to, and stays there.
   * `device`: the device keeps its own, and we never see it.
   */
  custody: "config" | "host" | "device";
  /** Whether the stack still holds the private key that belongs to `publicKey`, of a relay that moves to the next one. */
  formerKey: boolean;
  /**
   * UDP port of a relay's second interface: while it moves to its next key, and afterwards as long as the config names
   * the port. Null: it has no second interface.
   */
  rotationPort: number | null;
  /** Ways to push to it, in the order to try. Empty: its config is handed over as a file. */
  hosts: Host[];
  hostKeys: string[];
  /** Where anyone can dial it, or null when nobody can. */
  endpoint: Endpoint | null;
  /** UDP port it listens on; null lets the system choose (nobody dials it). */
  listenPort: number | null;
  site: string | null;
  /** Where nodes of the same site can dial it. */
  siteEndpoint: Endpoint | null;
  /** LANs behind it. */
  subnets: Prefix[];
  /** Seconds, in the sections of the nodes that it dials; null takes the network's default. */
  persistentKeepalive: number | null;
  mtu: number | null;
  tags: string[];
  /** The EC2 instance that the program makes for a relay; null for a machine that is there already. */
  ec2: Ec2Spec | null;
  /** A peer's home relay; null for a relay, and in a network without one. */
  relay: string | null;
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

/** An assertion on reachability: `to` is a node's name or a LAN behind one. */
export interface Expectation {
  from: string;
  to: string;
  reach: boolean;
}

/** Where a relay serves its other key unless the config says otherwise: a port that its firewall should let through too. */
export function portBeside(listenPort: number): number {
  return listenPort === 65535 ? listenPort - 1 : listenPort + 1;
}

/** `host:port` as wg(8) writes it, an IPv6 host in brackets. */
export function formatEndpoint(endpoint: Endpoint): string {
  const bare = !endpoint.host.includes(":") || isPlaceholder(endpoint.host);
  const host = bare ? endpoint.host : `[${endpoint.host}]`;
  return `${host}:${endpoint.port}`;
}
