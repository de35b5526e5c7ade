/** Issues of the shape of the config: maps, lists, names and unknown keys. */
import { Mistake } from "../../../../mesh/config/mistake";
import { Secret } from "../../../../mesh/secret";
import { changed, keys } from "../../../support/small-network";
import { leftOut, type Row } from "./row";

const NAME =
  "use a DNS label: lower-case letters, digits and single hyphens, at most 63 characters";
const NODE_KEYS =
  "address, address6, publicKey, nextPublicKey, host, hostKey, endpoint, listenPort, site, siteEndpoint, subnets, masquerade, persistentKeepalive, mtu, tags, enabled, expires";

const MISREAD = '"025" without quotes is 21 to the engine';
const QUOTES = "put it in quotes";
const misread = new Mistake(MISREAD, QUOTES);

export const shapeRows: Row[] = [
  {
    title: "an empty config",
    raw: {},
    issues: [
      [
        "peers",
        "error",
        "is missing: a network needs peers",
        "add one: npx wireguard-mesh add-peer NAME",
      ],
    ],
  },
  {
    title: "unknown keys",
    raw: changed({
      peer: {},
      zebra: 1,
      network: { cdir: "10.86.0.0/24" },
      peers: { desktop: { adress: "10.86.0.2", constructor: 1 }, laptop: { toString: 1 } },
    }),
    issues: [
      ["peer", "error", "is not a known key", "did you mean peers?"],
      [
        "zebra",
        "error",
        "is not a known key",
        "known keys: network, relays, peers, policy, expect, privateKeys, formerPrivateKeys, presharedKeys, presharedKeySeed, sshPrivateKey, sshAuthoritySeed, delivered, rotateAll",
      ],
      ["network.cdir", "error", "is not a known key", "did you mean cidr?"],
      ["peers.desktop.adress", "error", "is not a known key", "did you mean address?"],
      [
        "peers.desktop.constructor",
        "error",
        "is not a known key",
        `known keys: ${NODE_KEYS}, relay, routeAll, blockIpv6, dns`,
      ],
      [
        "peers.laptop.toString",
        "error",
        "is not a known key",
        `known keys: ${NODE_KEYS}, relay, routeAll, blockIpv6, dns`,
      ],
    ],
  },
  {
    title: "keys of peers at a relay, and of relays at a peer",
    raw: changed({
      relays: { tokyo: { relay: "tokyo", exits: true } },
      peers: { laptop: { exit: true, ec2: {} } },
    }),
    issues: [
      ["relays.tokyo.relay", "error", "is a key of peers", "remove it, or make this node a peer"],
      ["relays.tokyo.exits", "error", "is not a known key", "did you mean exit?"],
      ["peers.laptop.exit", "error", "is a key of relays", "remove it, or make this node a relay"],
      ["peers.laptop.ec2", "error", "is a key of relays", "remove it, or make this node a relay"],
    ],
  },
  {
    title: "an unknown key that looks like a secret",
    raw: changed({
      [keys.spare.privateKey.slice(0, 43)]: 1,
      peers: { desktop: { [Buffer.alloc(32, 0xfb).toString("base64url")]: 1 } },
    }),
    issues: [
      [
        '"(hidden)"',
        "error",
        "is not a known key",
        "known keys: network, relays, peers, policy, expect, privateKeys, formerPrivateKeys, presharedKeys, presharedKeySeed, sshPrivateKey, sshAuthoritySeed, delivered, rotateAll",
      ],
      [
        'peers.desktop."(hidden)"',
        "error",
        "is not a known key",
        `known keys: ${NODE_KEYS}, relay, routeAll, blockIpv6, dns`,
      ],
    ],
  },
  {
    title: "encrypted parts that must be readable",
    raw: {
      network: Secret.sealed(),
      relays: Secret.sealed(),
      peers: Secret.sealed(),
      policy: Secret.sealed(),
      expect: Secret.sealed(),
    },
    issues: ["network", "relays", "peers", "policy", "expect"].map((part) => [
      part,
      "error",
      "is encrypted, in whole or in part, but names, addresses and public keys are not secret",
      "set it again without --secret; private keys belong in privateKeys",
    ]),
  },
  {
    title: "parts of another type",
    raw: { network: "10.86.0.0/24", relays: [], peers: "desktop", expect: { from: "a" } },
    issues: [
      [
        "network",
        "error",
        "is not a map of keys and values",
        "its keys are cidr, cidr6, interface, listenPort, persistentKeepalive, mtu, topology, domain",
      ],
      [
        "relays",
        "error",
        "is not a map of names and nodes",
        "write relays: { NAME: { address: ..., ... } }",
      ],
      [
        "peers",
        "error",
        "is not a map of names and nodes",
        "write peers: { NAME: { address: ..., ... } }",
      ],
      [
        "expect",
        "error",
        "is not a list",
        "write a list: [ { from: laptop, to: desktop, reach: true } ]",
      ],
    ],
  },
  {
    title: "invalid values are not reported as missing too",
    raw: changed({
      privateKeys: Secret.sealed(),
      network: { cidr6: "fd5c:10::/64" },
      relays: { tokyo: { address6: "::1%lo", endpoint: "203.0.113.10" } },
      peers: {
        desktop: { address6: "fd5c:10::2", host: "root@192.168.1.2", hostKey: "ssh-ed25519" },
        laptop: { address6: "fd5c:10::3", site: "Office", siteEndpoint: "192.168.1.3:1" },
      },
    }),
    issues: [
      [
        "relays.tokyo.address6",
        "error",
        '"::1%lo" is not an IP address',
        "write e.g. 10.86.0.2 or fd5c:10::2",
      ],
      [
        "relays.tokyo.endpoint",
        "error",
        '"203.0.113.10" is not an endpoint',
        "write HOST:PORT, e.g. 203.0.113.10:51820, [2001:db8::1]:51820 or vpn.example.org:51820",
      ],
      [
        "peers.desktop.hostKey[0]",
        "error",
        "is not a complete ssh-ed25519 key",
        "copy the machine's own line, from a session you trust: cat /etc/ssh/ssh_host_ed25519_key.pub",
      ],
      ["peers.laptop.site", "error", '"Office" cannot be a name', NAME],
    ],
  },
  {
    title: "names that are not DNS labels",
    raw: changed({
      peers: { Laptop: {}, "a--b": {}, "-a": {}, "a\nb": {}, "": {}, [`x${"y".repeat(63)}`]: {} },
    }),
    issues: [
      ["peers.Laptop", "error", '"Laptop" cannot be a name', NAME],
      ["peers.a--b", "error", '"a--b" cannot be a name', NAME],
      ["peers.-a", "error", '"-a" cannot be a name', NAME],
      ['peers."a?b"', "error", '"a?b" cannot be a name', NAME],
      ['peers.""', "error", '"" cannot be a name', NAME],
      ['peers."(hidden)"', "error", '"(hidden)" cannot be a name', NAME],
    ],
  },
  {
    title: "one name for a relay and a peer",
    raw: changed({ peers: { tokyo: { address: "10.86.0.9", publicKey: keys.spare.publicKey } } }),
    issues: [
      ["peers.tokyo", "error", "is also the name of a relay", "give one of the two another name"],
    ],
  },
  {
    title: "a node that has expired",
    raw: changed({ peers: { laptop: { expires: "2026-11-22" } } }),
    issues: [
      [
        "peers.laptop.expires",
        "warning",
        "passed at 2026-11-23T00:00:00Z: the node is left out",
        "remove the node, or set a later date",
      ],
    ],
  },
  {
    title: "nodes that expire within 30 days, to the day",
    raw: changed({
      relays: { tokyo: { expires: "2026-11-23T18:00:00Z" } },
      peers: {
        desktop: { expires: "2026-11-24" },
        laptop: { expires: "2026-12-23T13:59:59+02:00" },
      },
    }),
    issues: (
      [
        ["relays.tokyo", "within a day, at 2026-11-23T18:00:00Z"],
        ["peers.desktop", "in 1 day, at 2026-11-25T00:00:00Z"],
        ["peers.laptop", "in 29 days, at 2026-12-23T11:59:59Z"],
      ] as const
    ).map(([path, when]) => [
      `${path}.expires`,
      "warning",
      `is ${when}: hosts refuse the node from then on`,
      "to keep the node, set a later date and run up",
    ]),
  },
  {
    title: "a node that expires in 30 days",
    raw: changed({ peers: { laptop: { expires: "2026-12-23T12:00:00Z" } } }),
    issues: [],
  },
  {
    title: "a node that has expired and is disabled",
    raw: changed({ peers: { laptop: { expires: "2026-11-22", enabled: false } } }),
    issues: [leftOut("peers.laptop")],
  },
  {
    title: "values that the engine would not read as they are written",
    raw: {
      ...changed({
        network: misread,
        relays: { tokyo: { listenPort: misread } },
        peers: { desktop: { host: misread, tags: [misread] }, laptop: misread },
      }),
      expect: misread,
    },
    issues: [
      ["network", "error", MISREAD, QUOTES],
      ["relays.tokyo.listenPort", "error", MISREAD, QUOTES],
      ["peers.desktop.host[0]", "error", MISREAD, QUOTES],
      ["peers.desktop.tags[0]", "error", MISREAD, QUOTES],
      ["peers.laptop", "error", MISREAD, QUOTES],
      ["expect", "error", MISREAD, QUOTES],
    ],
  },
];
