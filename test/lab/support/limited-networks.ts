/** Networks with a policy, for the lab: who must reach what. */
import { pushed, type KnownNetwork } from "./known-networks";

/** From wg-easy #2769. */
const groups: KnownNetwork = {
  title: "C10: groups on the relay with a routed LAN",
  world: {
    nats: {
      adn: { public: "203.0.113.91", lan: "192.168.71.0/24" },
      gun: { public: "203.0.113.92", lan: "192.168.72.0/24" },
      lan: { public: "203.0.113.93", lan: "192.168.73.0/24" },
    },
    hosts: {
      relay: { public: "203.0.113.10" },
      admin: { nat: "adn", ip: "192.168.71.5" },
      guest: { nat: "gun", ip: "192.168.72.5" },
      gw: { nat: "lan", ip: "192.168.73.2" },
      nas: { nat: "lan", ip: "192.168.73.20", routes: ["10.60.0.0/24 via 192.168.73.2"] },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.60.0.0/24" },
    policy: [{ from: ["admin"], to: ["*"] }],
    relays: { relay: { address: "10.60.0.1", host: "root@203.0.113.10" } },
    peers: pushed(
      {
        admin: { address: "10.60.0.2" },
        guest: { address: "10.60.0.3" },
        gw: { address: "10.60.0.4", subnets: ["192.168.73.0/24"] },
      },
      lab,
    ),
  }),
  reach: [
    ["admin", "192.168.73.20", "ok"],
    ["admin", "10.60.0.4", "ok"],
    ["guest", "10.60.0.1", "ok"],
    ["guest", "192.168.73.20", "blocked"],
    ["nas", "10.60.0.2", "blocked"],
    ["gw", "10.60.0.3", "blocked"],
  ],
};

const OFFICE = "192.168.30.0/24";
const both = (byte: number) => ({ address: `10.86.0.${byte}`, address6: `fd5c:10::${byte}` });

/** Every kind of link and of rule: two relays, a site, a LAN, direct links, ports, IPv6. */
const everyKind: KnownNetwork = {
  title: "two relays, a site, a LAN and direct links, dual stack, with ports",
  world: {
    nats: {
      home: { public: "203.0.113.21", lan: "192.168.20.0/24" },
      office: { public: "203.0.113.22", lan: OFFICE },
      cafe: { public: "203.0.113.23", lan: "192.168.40.0/24" },
    },
    hosts: {
      tokyo: { public: "203.0.113.10" },
      osaka: { public: "203.0.113.11" },
      vps: { public: "203.0.113.50" },
      desktop: { nat: "home", ip: "192.168.20.20" },
      server: { nat: "home", ip: "192.168.20.30" },
      gateway: { nat: "office", ip: "192.168.30.2" },
      printer: { nat: "office", ip: "192.168.30.9", routes: ["10.86.0.0/24 via 192.168.30.2"] },
      laptop: { nat: "cafe", ip: "192.168.40.5" },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.86.0.0/24", cidr6: "fd5c:10::/64" },
    policy: [
      { from: ["tag:admin"], to: ["*"] },
      { from: ["tag:guest"], to: ["server"], ports: ["tcp/443", "udp/53"] },
      { from: ["tag:guest"], to: [OFFICE], ports: ["tcp/80"] },
      { from: ["server"], to: ["vps", "laptop"], ports: ["tcp/22"] },
      { from: [OFFICE], to: ["vps"], ports: ["udp/53"] },
      { from: ["vps"], to: ["osaka"] },
    ],
    relays: {
      tokyo: { ...both(1), host: "root@203.0.113.10" },
      osaka: { ...both(65), host: "root@203.0.113.11" },
    },
    peers: pushed(
      {
        vps: { ...both(5), relay: "osaka", endpoint: "203.0.113.50:51820" },
        desktop: { ...both(2), relay: "tokyo", site: "home", tags: ["admin"] },
        server: {
          ...both(3),
          ...{ relay: "tokyo", site: "home", siteEndpoint: "192.168.20.30:51820" },
        },
        gateway: { ...both(4), relay: "tokyo", subnets: [OFFICE] },
        laptop: { ...both(66), relay: "osaka", tags: ["guest"] },
      },
      lab,
    ),
  }),
  reach: [
    ["desktop", "10.86.0.3", "ok"],
    ["desktop", "192.168.30.9", "ok"],
    ["laptop", "fd5c:10::3", "ok"],
    ["laptop", "10.86.0.2", "blocked"],
    ["printer", "10.86.0.5", "ok"],
    ["printer", "10.86.0.2", "blocked"],
    ["vps", "10.86.0.1", "ok"],
    ["vps", "10.86.0.4", "blocked"],
  ],
};

export const limited: KnownNetwork[] = [groups, everyKind];
