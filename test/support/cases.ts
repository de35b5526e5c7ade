/** Networks from public documentation and issue threads, as our config, each with the expected result. */
import { Secret } from "../../mesh/secret";
import { keyPair } from "./key-pairs";
import { PRESHARED_KEY_SEED, type RawNetwork, type RawNode } from "./networks";

/** The expected contents of a peer section. A field that is absent here must be absent there. */
export interface ExpectedSection {
  allowed: string[];
  endpoint?: string;
  keepalive?: number;
  psk?: boolean;
}

interface Case {
  title: string;
  raw: RawNetwork;
  /** By node and neighbour: all expected sections. */
  expect: Record<string, Record<string, ExpectedSection>>;
  /** `[from, address, path]`: the nodes on the path, or null if the address must not be reachable. */
  reach: [string, string, string[] | null][];
}

/** The origin note: two peers behind different NATs, with a relay between them. */
const origin: Case = {
  title: "A -> C -> B through a relay",
  raw: network({
    network: { cidr: "10.0.0.0/24" },
    relays: { c: { address: "10.0.0.1", endpoint: "203.0.113.10:51820" } },
    peers: { a: { address: "10.0.0.2" }, b: { address: "10.0.0.3" } },
  }),
  expect: {
    c: { a: { allowed: ["10.0.0.2/32"] }, b: { allowed: ["10.0.0.3/32"] } },
    a: { c: { endpoint: "203.0.113.10:51820", allowed: ["10.0.0.0/24"], keepalive: 25 } },
    b: { c: { endpoint: "203.0.113.10:51820", allowed: ["10.0.0.0/24"], keepalive: 25 } },
  },
  reach: [
    ["a", "10.0.0.1", ["a", "c"]],
    ["a", "10.0.0.3", ["a", "c", "b"]],
    ["b", "10.0.0.2", ["b", "c", "a"]],
    ["c", "10.0.0.3", ["c", "b"]],
    ["a", "192.168.12.10", null],
  ],
};

/** The first half of the origin note: two machines in one LAN, no relay. */
const quickstart: Case = {
  title: "quickstart: two machines, an endpoint on one side only",
  raw: network({
    network: { cidr: "10.0.0.0/24" },
    peers: {
      a: { address: "10.0.0.1" },
      b: { address: "10.0.0.2", endpoint: "192.168.1.2:51820" },
    },
  }),
  expect: {
    a: { b: { endpoint: "192.168.1.2:51820", allowed: ["10.0.0.2/32"], keepalive: 25 } },
    b: { a: { allowed: ["10.0.0.1/32"] } },
  },
  reach: [
    ["a", "10.0.0.2", ["a", "b"]],
    ["b", "10.0.0.1", ["b", "a"]],
  ],
};

const alice = { endpoint: "203.0.113.2:51820", keepalive: 25, psk: true };

/** From the-wireguard-effect, which lists /32s at the spokes. Our single prefix does not change with each peer. */
const presharedKeys: Case = {
  title: "hub and spoke with a preshared key per pair",
  raw: {
    ...network({
      network: { cidr: "192.168.10.0/24" },
      relays: { alice: { address: "192.168.10.1", endpoint: "203.0.113.2:51820" } },
      peers: {
        bob: { address: "192.168.10.100" },
        charlie: { address: "192.168.10.2" },
        dave: { address: "192.168.10.3" },
      },
    }),
    presharedKeySeed: Secret.of(PRESHARED_KEY_SEED),
  },
  expect: {
    alice: {
      bob: { allowed: ["192.168.10.100/32"], psk: true },
      charlie: { allowed: ["192.168.10.2/32"], psk: true },
      dave: { allowed: ["192.168.10.3/32"], psk: true },
    },
    bob: { alice: { ...alice, allowed: ["192.168.10.0/24"] } },
    charlie: { alice: { ...alice, allowed: ["192.168.10.0/24"] } },
    dave: { alice: { ...alice, allowed: ["192.168.10.0/24"] } },
  },
  reach: [
    ["bob", "192.168.10.2", ["bob", "alice", "charlie"]],
    ["charlie", "192.168.10.3", ["charlie", "alice", "dave"]],
    ["dave", "192.168.10.100", ["dave", "alice", "bob"]],
    ["alice", "192.168.10.3", ["alice", "dave"]],
  ],
};

/** From OmarTariq612/site_to_site: both sites behind CGNAT. */
const sites: Case = {
  title: "site to site through a relay",
  raw: network({
    network: { cidr: "10.8.0.0/24", persistentKeepalive: 20 },
    relays: { hub: { address: "10.8.0.1", endpoint: "203.0.113.10:51820" } },
    peers: {
      foo: { address: "10.8.0.2", subnets: ["192.168.0.0/24"] },
      bar: { address: "10.8.0.3", subnets: ["192.168.1.0/24"] },
    },
  }),
  expect: {
    hub: {
      foo: { allowed: ["10.8.0.2/32", "192.168.0.0/24"] },
      bar: { allowed: ["10.8.0.3/32", "192.168.1.0/24"] },
    },
    foo: {
      hub: {
        endpoint: "203.0.113.10:51820",
        allowed: ["10.8.0.0/24", "192.168.1.0/24"],
        keepalive: 20,
      },
    },
    bar: {
      hub: {
        endpoint: "203.0.113.10:51820",
        allowed: ["10.8.0.0/24", "192.168.0.0/24"],
        keepalive: 20,
      },
    },
  },
  reach: [
    ["foo", "192.168.1.50", ["foo", "hub", "bar"]],
    ["bar", "192.168.0.50", ["bar", "hub", "foo"]],
    ["hub", "192.168.1.50", ["hub", "bar"]],
    ["foo", "192.168.2.50", null],
  ],
};

const c1 = { allowed: ["10.8.0.101/32"], endpoint: "203.0.113.101:51820" };
const c2 = { allowed: ["10.8.0.102/32"], endpoint: "203.0.113.102:51820" };
const w1 = { allowed: ["10.8.0.111/32"], endpoint: "203.0.113.111:51820" };
const hs = { allowed: ["10.8.0.1/32"], endpoint: "203.0.113.71:51820" };
const ws = { allowed: ["10.8.0.2/32"] };

/** From the README of githubixx. Only the roaming node has a keepalive (issues 36, 215, 217 there). */
const fullMesh: Case = {
  title: "full mesh with one roaming member",
  raw: network({
    network: { cidr: "10.8.0.0/24", persistentKeepalive: 30 },
    peers: {
      controller01: { address: "10.8.0.101", endpoint: c1.endpoint },
      controller02: { address: "10.8.0.102", endpoint: c2.endpoint },
      worker01: { address: "10.8.0.111", endpoint: w1.endpoint },
      home: { address: "10.8.0.1", endpoint: hs.endpoint },
      workstation: { address: "10.8.0.2" },
    },
  }),
  expect: {
    controller01: { controller02: c2, worker01: w1, home: hs, workstation: ws },
    controller02: { controller01: c1, worker01: w1, home: hs, workstation: ws },
    worker01: { controller01: c1, controller02: c2, home: hs, workstation: ws },
    home: { controller01: c1, controller02: c2, worker01: w1, workstation: ws },
    workstation: {
      controller01: { ...c1, keepalive: 30 },
      controller02: { ...c2, keepalive: 30 },
      worker01: { ...w1, keepalive: 30 },
      home: { ...hs, keepalive: 30 },
    },
  },
  reach: [
    ["worker01", "10.8.0.2", ["worker01", "workstation"]],
    ["controller01", "10.8.0.111", ["controller01", "worker01"]],
    ["workstation", "10.8.0.102", ["workstation", "controller02"]],
    ["home", "10.8.0.2", ["home", "workstation"]],
  ],
};

export const cases = { origin, quickstart, presharedKeys, sites, fullMesh };

/** Gives every node a key pair. */
function network(written: {
  network: Record<string, unknown>;
  relays?: Record<string, RawNode>;
  peers: Record<string, RawNode>;
}): RawNetwork {
  const names = [...Object.keys(written.relays ?? {}), ...Object.keys(written.peers)];
  const pairs = new Map(names.map((name, at) => [name, keyPair(at)]));
  const withKeys = (nodes: Record<string, RawNode>) =>
    Object.fromEntries(
      Object.entries(nodes).map(([name, node]) => [
        name,
        { ...node, publicKey: pairs.get(name)?.publicKey },
      ]),
    );
  return {
    network: written.network,
    relays: withKeys(written.relays ?? {}),
    peers: withKeys(written.peers),
    privateKeys: Object.fromEntries(
      [...pairs].map(([name, pair]) => [name, Secret.of(pair.privateKey)]),
    ),
  };
}
