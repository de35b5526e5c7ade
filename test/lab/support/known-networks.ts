/** Networks from public documentation and issue threads, as worlds of the lab with a stack config, and who must reach what. */
import type { LabAddresses, NodeFields, ScenarioConfig } from "../../../scripts/lab/scenario";
import type { World } from "../../../scripts/lab/world";

export interface KnownNetwork {
  title: string;
  world: World;
  config: (lab: LabAddresses) => ScenarioConfig;
  /** A ping from a machine to an address, and whether it is answered. */
  reach: [from: string, address: string, answer: "ok" | "blocked"][];
}

/** Gives every node except the named ones a `host` on the management network. */
export function pushed(
  nodes: Record<string, NodeFields>,
  lab: LabAddresses,
): Record<string, NodeFields> {
  const host = (name: string) => ({ host: `root@${lab.managementAddress(name)}` });
  return Object.fromEntries(
    Object.entries(nodes).map(([name, fields]) => [name, { ...host(name), ...fields }]),
  );
}

/** The origin note, with the relay behind AWS's 1:1 NAT: it never sees its own public address. */
export const origin: KnownNetwork = {
  title: "C1: A -> C -> B through EC2 behind an Elastic IP",
  world: {
    nats: {
      aws: {
        ...{ public: "203.0.113.10", lan: "172.31.0.0/20", gw: "172.31.0.1" },
        forward: [[51820, "172.31.5.10:51820"]],
      },
      home: { public: "203.0.113.21", lan: "192.168.11.0/24" },
      cafe: { public: "203.0.113.22", lan: "192.168.12.0/24" },
    },
    hosts: {
      c: { nat: "aws", ip: "172.31.5.10" },
      a: { nat: "home", ip: "192.168.11.10" },
      b: { nat: "cafe", ip: "192.168.12.10" },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.0.0.0/24" },
    relays: pushed({ c: { address: "10.0.0.1", endpoint: "203.0.113.10:51820" } }, lab),
    peers: pushed({ a: { address: "10.0.0.2" }, b: { address: "10.0.0.3" } }, lab),
  }),
  reach: [
    ["a", "10.0.0.1", "ok"],
    ["a", "10.0.0.3", "ok"],
    ["b", "10.0.0.2", "ok"],
    ["c", "10.0.0.3", "ok"],
    ["a", "192.168.12.10", "blocked"],
  ],
};

/** C1k: a device without keepalive cannot be reached until it sends a packet. The lab sets it up by hand. */
export const silentDevice: Omit<KnownNetwork, "reach" | "title"> = {
  world: {
    nats: {
      home: { public: "203.0.113.21", lan: "192.168.11.0/24" },
      cafe: { public: "203.0.113.22", lan: "192.168.12.0/24" },
    },
    hosts: {
      c: { public: "203.0.113.10" },
      a: { nat: "home", ip: "192.168.11.10" },
      b: { nat: "cafe", ip: "192.168.12.10" },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.0.0.0/24" },
    relays: { c: { address: "10.0.0.1", host: "root@203.0.113.10" } },
    peers: {
      ...pushed({ a: { address: "10.0.0.2" } }, lab),
      b: { address: "10.0.0.3", persistentKeepalive: 0 },
    },
  }),
};

/** From the-wireguard-effect. */
const presharedKeys: KnownNetwork = {
  title: "C2: hub and spoke with a preshared key per pair",
  world: {
    nats: {
      n1: { public: "203.0.113.3", lan: "10.77.2.0/24" },
      n2: { public: "203.0.113.4", lan: "10.77.3.0/24" },
      n3: { public: "203.0.113.5", lan: "10.77.4.0/24" },
    },
    hosts: {
      alice: { public: "203.0.113.2" },
      bob: { nat: "n1", ip: "10.77.2.3" },
      charlie: { nat: "n2", ip: "10.77.3.3" },
      dave: { nat: "n3", ip: "10.77.4.3" },
    },
  },
  config: (lab) => ({
    network: { cidr: "192.168.10.0/24" },
    relays: { alice: { address: "192.168.10.1", host: "root@203.0.113.2" } },
    peers: pushed(
      {
        bob: { address: "192.168.10.100" },
        charlie: { address: "192.168.10.2" },
        dave: { address: "192.168.10.3" },
      },
      lab,
    ),
  }),
  reach: [
    ["bob", "192.168.10.2", "ok"],
    ["charlie", "192.168.10.3", "ok"],
    ["dave", "192.168.10.100", "ok"],
    ["alice", "192.168.10.3", "ok"],
  ],
};

/** From OmarTariq612/site_to_site. */
const sites: KnownNetwork = {
  title: "C4: site to site through a relay, both behind CGNAT",
  world: {
    nats: {
      foonat: { public: "203.0.113.31", lan: "192.168.0.0/24" },
      barnat: { public: "203.0.113.32", lan: "192.168.1.0/24" },
    },
    hosts: {
      hub: { public: "203.0.113.10" },
      foo: { nat: "foonat", ip: "192.168.0.2" },
      bar: { nat: "barnat", ip: "192.168.1.2" },
      foopc: {
        ...{ nat: "foonat", ip: "192.168.0.50" },
        routes: ["192.168.1.0/24 via 192.168.0.2", "10.8.0.0/24 via 192.168.0.2"],
      },
      barpc: {
        ...{ nat: "barnat", ip: "192.168.1.50" },
        routes: ["192.168.0.0/24 via 192.168.1.2", "10.8.0.0/24 via 192.168.1.2"],
      },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.8.0.0/24", persistentKeepalive: 20 },
    relays: { hub: { address: "10.8.0.1", host: "root@203.0.113.10" } },
    peers: pushed(
      {
        foo: { address: "10.8.0.2", subnets: ["192.168.0.0/24"] },
        bar: { address: "10.8.0.3", subnets: ["192.168.1.0/24"] },
      },
      lab,
    ),
  }),
  reach: [
    ["foopc", "192.168.1.50", "ok"],
    ["barpc", "192.168.0.50", "ok"],
    ["foopc", "10.8.0.3", "ok"],
    ["hub", "192.168.1.50", "ok"],
  ],
};

/** From the README of githubixx. */
const fullMesh: KnownNetwork = {
  title: "C8: full mesh with one roaming member",
  world: {
    nats: { desk: { public: "203.0.113.72", lan: "192.168.51.0/24" } },
    hosts: {
      controller01: { public: "203.0.113.101" },
      controller02: { public: "203.0.113.102" },
      worker01: { public: "203.0.113.111" },
      home: { public: "203.0.113.71" },
      workstation: { nat: "desk", ip: "192.168.51.4" },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.8.0.0/24", persistentKeepalive: 30 },
    peers: pushed(
      {
        controller01: { address: "10.8.0.101", endpoint: "203.0.113.101:51820" },
        controller02: { address: "10.8.0.102", endpoint: "203.0.113.102:51820" },
        worker01: { address: "10.8.0.111", endpoint: "203.0.113.111:51820" },
        home: { address: "10.8.0.1", endpoint: "203.0.113.71:51820" },
        workstation: { address: "10.8.0.2" },
      },
      lab,
    ),
  }),
  reach: [
    ["worker01", "10.8.0.2", "ok"],
    ["controller01", "10.8.0.111", "ok"],
    ["workstation", "10.8.0.102", "ok"],
    ["home", "10.8.0.2", "ok"],
  ],
};

export const open: KnownNetwork[] = [presharedKeys, sites, fullMesh];

/** C12: the origin note's network laid over a VPC, where it would cut the relay off from its gateway and name server. */
export const overVpc: Omit<KnownNetwork, "reach" | "title"> = {
  world: {
    nats: {
      vpc: {
        ...{ public: "203.0.113.10", lan: "10.0.0.0/16", gw: "10.0.0.254" },
        forward: [[51820, "10.0.3.5:51820"]],
      },
    },
    hosts: {
      relay: { nat: "vpc", ip: "10.0.3.5" },
      resolver: { nat: "vpc", ip: "10.0.0.2" },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.0.0.0/24" },
    relays: pushed({ relay: { address: "10.0.0.1", endpoint: "203.0.113.10:51820" } }, lab),
    peers: { phone: { address: "10.0.0.3" } },
  }),
};
