/** Issues of tunnel addresses, LANs and public keys. */
import { changed, keys } from "../../../support/small-network";
import { leftOut, type Row } from "./row";

const FREE = "choose a free address inside it; `npx wireguard-mesh add-peer` finds the next one";
const PRIVATE = "use a private prefix, e.g. 10.86.0.0/24";
const IPV6 = { network: { cidr6: "fd5c:10::/64" } };
const all6 = (desktop: Record<string, unknown> = {}) => ({
  ...IPV6,
  relays: { tokyo: { address6: "fd5c:10::1" } },
  peers: { desktop: { address6: "fd5c:10::2", ...desktop }, laptop: { address6: "fd5c:10::3" } },
});

export const addressRows: Row[] = [
  {
    title: "an address outside the network",
    raw: changed({ peers: { desktop: { address: "10.77.1.9" } } }),
    issues: [
      ["peers.desktop.address", "error", "10.77.1.9 is outside the network 10.86.0.0/24", FREE],
    ],
  },
  {
    title: "the network and the broadcast address",
    raw: changed({
      peers: { desktop: { address: "10.86.0.0" }, laptop: { address: "10.86.0.255" } },
    }),
    issues: [
      [
        "peers.desktop.address",
        "error",
        "10.86.0.0 is the network address of 10.86.0.0/24",
        "choose another address",
      ],
      [
        "peers.laptop.address",
        "error",
        "10.86.0.255 is the broadcast address of 10.86.0.0/24",
        "choose another address",
      ],
    ],
  },
  {
    title: "with an invalid network, its addresses are not checked",
    raw: changed({
      network: { cidr: "10.77.0.1/24", cidr6: "fd5c:10::1/64" },
      peers: { desktop: { address6: "fd5c:10::2", subnets: ["192.168.10.0/24", "fd00:1::/64"] } },
    }),
    issues: [
      ["network.cidr", "error", '"10.77.0.1/24" has host bits set', "write 10.77.0.0/24"],
      ["network.cidr6", "error", '"fd5c:10::1/64" has host bits set', "write fd5c:10::/64"],
    ],
  },
  {
    title: "an address6 without cidr6",
    raw: changed({ peers: { desktop: { address6: "fd5c:10::2" } } }),
    issues: [
      [
        "peers.desktop.address6",
        "error",
        "needs network.cidr6, which is not set",
        "set it, e.g. npx pulumi config set --path wireguard-mesh:network.cidr6 fd5c:10::/64",
      ],
    ],
  },
  {
    title: "cidr6 and a node without address6; disabled nodes are skipped",
    raw: changed({
      ...IPV6,
      relays: { tokyo: { address6: "fd5c:10::1" } },
      peers: { laptop: { enabled: false } },
    }),
    issues: [
      leftOut("peers.laptop"),
      [
        "peers.desktop.address6",
        "warning",
        "is missing: no node can reach this one over IPv6",
        "add a free address in cidr6",
      ],
    ],
  },
  {
    title: "an address6 outside the network, and one that is the network address",
    raw: changed({
      ...all6({ address6: "fd5c:11::2" }),
      relays: { tokyo: { address6: "fd5c:10::" } },
    }),
    issues: [
      ["peers.desktop.address6", "error", "fd5c:11::2 is outside the network fd5c:10::/64", FREE],
      [
        "relays.tokyo.address6",
        "error",
        "fd5c:10:: is the network address of fd5c:10::/64",
        "choose another address",
      ],
    ],
  },
  {
    title: "a peer with the relay's addresses, one in another notation",
    raw: changed({ ...all6({ address: "10.86.0.1", address6: "fd5c:10:0:0::1" }) }),
    issues: [
      [
        "relays.tokyo.address",
        "error",
        "10.86.0.1 is also the address of peers.desktop",
        "give one of the two another address",
      ],
      [
        "relays.tokyo.address6",
        "error",
        "fd5c:10::1 is also the address of peers.desktop",
        "give one of the two another address",
      ],
    ],
  },
  {
    title: "one public key at two nodes, one of them disabled",
    raw: changed({ peers: { laptop: { publicKey: keys.desktop.publicKey, enabled: false } } }),
    issues: [
      leftOut("peers.laptop"),
      [
        "peers.laptop.publicKey",
        "error",
        "is also the key of peers.desktop",
        "every node needs a key pair of its own: give one of the two a new one",
      ],
    ],
  },
  {
    title: "a LAN that overlaps the tunnel, and the whole internet as a LAN",
    raw: changed({
      peers: { desktop: { subnets: ["10.86.0.128/25", "10.0.0.0/8", "0.0.0.0/0"] } },
    }),
    issues: [
      [
        "peers.desktop.subnets[0]",
        "error",
        "10.86.0.128/25 overlaps the tunnel's 10.86.0.0/24",
        "move the tunnel: set network.cidr to a prefix that no LAN here uses",
      ],
      [
        "peers.desktop.subnets[1]",
        "error",
        "10.0.0.0/8 overlaps the tunnel's 10.86.0.0/24",
        "move the tunnel: set network.cidr to a prefix that no LAN here uses",
      ],
      [
        "peers.desktop.subnets[2]",
        "error",
        "is the whole internet, not a LAN",
        "set routeAll: true on the peers whose traffic should leave through a relay, and exit: true on that relay",
      ],
    ],
  },
  ...[
    ["127.0.0.0/8", "127.0.0.0/8 (loopback)"],
    ["169.254.7.0/24", "169.254.0.0/16 (link-local)"],
    ["224.0.0.0/8", "224.0.0.0/4 (multicast)"],
    ["250.0.0.0/8", "240.0.0.0/4 (reserved)"],
    ["0.0.0.0/8", "0.0.0.0/8 (addresses of no machine)"],
    ["168.0.0.0/5", "169.254.0.0/16 (link-local)"],
  ].map(([prefix = "", special = ""]): Row => ({
    title: `the LAN ${prefix}, which no machine can use`,
    raw: changed({ peers: { desktop: { subnets: [prefix] } } }),
    issues: [["peers.desktop.subnets[0]", "error", `${prefix} overlaps ${special}`, PRIVATE]],
  })),
  {
    title: "tunnel prefixes that no machine can use",
    raw: {
      ...changed({ network: { cidr: "127.0.0.0/8", cidr6: "ff02::/64" } }),
      relays: undefined,
      peers: {
        a: { address: "127.0.0.1", address6: "ff02::1", publicKey: keys.desktop.publicKey },
      },
    },
    issues: [
      ["network.cidr", "error", "127.0.0.0/8 overlaps 127.0.0.0/8 (loopback)", PRIVATE],
      [
        "network.cidr6",
        "error",
        "ff02::/64 overlaps ff00::/8 (multicast)",
        "use a private prefix, e.g. fd5c:10::/64",
      ],
    ],
  },
  ...[
    ["fe80::/64", "fe80::/10 (link-local)"],
    ["::/64", "::/64 (loopback and addresses of no machine)"],
  ].map(([prefix = "", special = ""]): Row => ({
    title: `the LAN ${prefix}, which no machine can use`,
    raw: changed(all6({ subnets: [prefix] })),
    issues: [
      [
        "peers.desktop.subnets[0]",
        "error",
        `${prefix} overlaps ${special}`,
        "use a private prefix, e.g. fd5c:10::/64",
      ],
    ],
  })),
  {
    title: "a public LAN; one for documentation is no issue",
    raw: changed({ peers: { desktop: { subnets: ["8.8.8.0/24", "198.51.100.0/24"] } } }),
    issues: [
      [
        "peers.desktop.subnets[0]",
        "warning",
        "8.8.8.0/24 is public: nodes that route it into the tunnel cannot reach its owner",
        "nothing to do if these addresses are yours; else use a private prefix, e.g. 10.86.0.0/24",
      ],
    ],
  },
  {
    title: "a LAN behind two nodes",
    raw: changed({
      peers: {
        desktop: { subnets: ["192.168.10.0/24"] },
        laptop: { subnets: ["172.16.0.0/24", "192.168.10.128/25"] },
      },
    }),
    issues: [
      [
        "peers.laptop.subnets[1]",
        "error",
        "192.168.10.128/25 overlaps 192.168.10.0/24 of peers.desktop.subnets[0]",
        "WireGuard can route an address to one node only: list it once, or, for LANs at two places, give each a prefix of its own in the network: { lan: ..., as: ... }",
      ],
    ],
  },
  {
    title: "an IPv6 LAN in a network without IPv6",
    raw: changed({ peers: { desktop: { subnets: ["fd00:1::/64"] } } }),
    issues: [
      [
        "peers.desktop.subnets[0]",
        "error",
        "fd00:1::/64 needs a network with IPv6 addresses",
        "set network.cidr6, and address6 for each node that should reach it",
      ],
    ],
  },
  {
    title: "an IPv6 LAN behind a node without an IPv6 address",
    raw: changed(all6({ address6: undefined, subnets: ["fd00:1::/64"] })),
    issues: [
      [
        "peers.desktop.address6",
        "warning",
        "is missing: no node can reach this one over IPv6",
        "add a free address in cidr6",
      ],
      [
        "peers.desktop.subnets[0]",
        "error",
        "fd00:1::/64 is IPv6, but peers.desktop has no address6",
        "add address6, a free address in cidr6",
      ],
    ],
  },
  {
    title: "an MTU below IPv6's 1280, at the network and at a node",
    raw: changed({ ...all6({ mtu: 1279 }), network: { cidr6: "fd5c:10::/64", mtu: 1200 } }),
    issues: [
      ["network.mtu", "error", "1200 is too small for IPv6", "use 1280 or more, e.g. 1420"],
      ["peers.desktop.mtu", "error", "1279 is too small for IPv6", "use 1280 or more, e.g. 1420"],
    ],
  },
];
