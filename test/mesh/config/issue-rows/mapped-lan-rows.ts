/** Issues of LANs that a gateway translates one to one. */
import { changed, hostKey } from "../../../support/small-network";
import type { Row } from "./row";

const host = { host: "root@203.0.113.20", hostKey };
const LAN = { lan: "192.168.1.0/24", as: "10.99.1.0/24" };
const TOO = "give that LAN another prefix in the network too: { lan: ..., as: ... }";

export const mappedLanRows: Row[] = [
  {
    title: "rules and expectations about a mapped LAN by its own prefix",
    raw: changed({
      relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
      peers: { desktop: { subnets: [LAN], ...host } },
      policy: [{ from: LAN.lan, to: ["*", LAN.as] }],
      expect: [{ from: "laptop", to: LAN.lan, reach: false }],
    }),
    issues: ["policy[0].from[0]", "expect[0].to"].map((path) => [
      path,
      "error",
      "192.168.1.0/24 has another prefix in the network",
      "write 10.99.1.0/24",
    ]),
  },
  {
    title: "the same where two LANs have it",
    raw: changed({
      relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
      peers: {
        desktop: { subnets: [LAN], ...host },
        laptop: {
          subnets: [{ ...LAN, as: "10.99.2.0/24" }],
          ...{ host: "root@203.0.113.30", hostKey },
        },
      },
      policy: [{ from: "desktop", to: LAN.lan }],
    }),
    issues: [
      [
        "policy[0].to[0]",
        "error",
        "192.168.1.0/24 has another prefix in the network",
        "write 10.99.1.0/24 or 10.99.2.0/24",
      ],
    ],
  },
  {
    title: "two LANs with one prefix, each with another one in the network",
    raw: changed({
      peers: {
        desktop: { subnets: [LAN, "192.168.7.0/24"], ...host },
        laptop: {
          subnets: [{ ...LAN, as: "10.99.2.0/24" }],
          ...{ host: "root@203.0.113.30", hostKey },
        },
      },
    }),
    issues: [],
  },
  {
    title: "entries that are no pair of prefixes of one size",
    raw: changed({
      peers: {
        desktop: {
          subnets: [
            { lan: "192.168.1.0/24", as: "10.99.1.0/25" },
            { lan: "192.168.1.0/24", to: "10.99.1.0/24" },
            7,
          ],
          ...host,
        },
      },
    }),
    issues: [
      [
        "peers.desktop.subnets[0]",
        "error",
        "192.168.1.0/24 and 10.99.1.0/25 do not have the same number of addresses",
        "write both with one length, e.g. { lan: 192.168.1.0/24, as: 10.99.1.0/24 }",
      ],
      [
        "peers.desktop.subnets[1]",
        "error",
        "is not a map of lan and as",
        "write { lan: ..., as: ... }",
      ],
      [
        "peers.desktop.subnets[2]",
        "error",
        "is a number, but should be text",
        "write e.g. 192.168.10.0/24",
      ],
    ],
  },
  {
    title: "a gateway that is not pushed to, and a relay",
    raw: changed({
      relays: { tokyo: { subnets: [{ ...LAN, as: "10.99.2.0/24" }] } },
      peers: { desktop: { subnets: [LAN] } },
    }),
    issues: [
      [
        "peers.desktop.subnets[0]",
        "error",
        "needs a host: a push sets up the translation of addresses there",
        "add host: user@address, or renumber the LAN",
      ],
      [
        "relays.tokyo.subnets[0]",
        "error",
        "is behind a relay, which does not translate addresses of a LAN",
        "make the gateway a peer, or renumber the LAN",
      ],
    ],
  },
  {
    title: "a LAN that is routed elsewhere, is the tunnel's, or is listed twice",
    raw: changed({
      peers: {
        desktop: {
          subnets: [LAN, { lan: "10.86.0.0/24", as: "10.99.3.0/24" }, "192.168.1.128/25"],
          ...host,
        },
        laptop: { subnets: ["192.168.1.0/25"] },
      },
    }),
    issues: [
      [
        "peers.desktop.subnets[0]",
        "error",
        "192.168.1.0/24 overlaps 192.168.1.0/25, a LAN behind laptop",
        TOO,
      ],
      [
        "peers.desktop.subnets[0]",
        "error",
        "192.168.1.0/24 overlaps 192.168.1.128/25 of the same node",
        "list it once",
      ],
      [
        "peers.desktop.subnets[1]",
        "error",
        "10.86.0.0/24 overlaps 10.86.0.0/24, the tunnel",
        "move the tunnel: set network.cidr to a prefix that no LAN here uses",
      ],
    ],
  },
];
