/** Issues of relays, endpoints, sites and keepalives. */
import { Secret } from "../../../../mesh/secret";
import { changed, hostKey, keys } from "../../../support/small-network";
import { leftOut, type Row } from "./row";

const THROUGH_ITSELF =
  "the tunnel would be routed through itself: use the machine's address on the outer network";

export const diallingRows: Row[] = [
  {
    title: "a relay that cannot be dialled",
    raw: changed({ relays: { tokyo: { endpoint: undefined } } }),
    issues: [
      [
        "relays.tokyo.endpoint",
        "error",
        "is missing: no node could dial this relay",
        'add endpoint: "ADDRESS:PORT", the address and UDP port at which peers reach it',
      ],
    ],
  },
  {
    title: "a relay whose host leads every machine to itself",
    raw: changed({
      privateKeys: Secret.sealed(),
      relays: { tokyo: { endpoint: undefined, host: "root@127.0.0.1:2222", hostKey } },
    }),
    issues: [
      [
        "relays.tokyo.endpoint",
        "error",
        "is missing: no node could dial its host, 127.0.0.1",
        'add endpoint: "ADDRESS:PORT", the address and UDP port at which peers reach it',
      ],
    ],
  },
  {
    title: "a home relay that does not exist",
    raw: changed({ peers: { desktop: { relay: "tokio" }, laptop: { relay: "sao-paulo" } } }),
    issues: [
      ["peers.desktop.relay", "error", "there is no relay tokio", "did you mean tokyo?"],
      ["peers.laptop.relay", "error", "there is no relay sao-paulo", "relays: tokyo"],
    ],
  },
  {
    title: "a home relay in a network without relays",
    raw: changed({
      relays: undefined,
      peers: { desktop: { relay: "tokyo", endpoint: "203.0.113.7:51820" } },
    }),
    issues: [
      ["peers.desktop.relay", "error", "there is no relay tokyo", "this network has no relays"],
    ],
  },
  {
    title: "a home relay that is disabled",
    raw: changed({ relays: { tokyo: { enabled: false } }, peers: { desktop: { relay: "tokyo" } } }),
    issues: [
      leftOut("relays.tokyo"),
      [
        "peers.desktop.relay",
        "error",
        "tokyo is left out (disabled or expired)",
        "correct enabled or expires of relays.tokyo, or name another relay",
      ],
    ],
  },
  {
    title: "a siteEndpoint without a site",
    raw: changed({ peers: { desktop: { siteEndpoint: "192.168.1.2:51820" } } }),
    issues: [
      [
        "peers.desktop.site",
        "error",
        "is missing: siteEndpoint is for nodes of one site",
        "add site: NAME",
      ],
    ],
  },
  {
    title: "two nodes at one endpoint",
    raw: changed({ peers: { desktop: { endpoint: "203.0.113.10:51820" } } }),
    issues: [
      [
        "relays.tokyo.endpoint",
        "error",
        "203.0.113.10:51820 is also the endpoint of peers.desktop",
        "only one can answer there: give one of the two another listenPort and endpoint",
      ],
    ],
  },
  {
    title: "two nodes at one siteEndpoint; another site may have the same addresses",
    raw: changed({
      peers: {
        desktop: { site: "office", siteEndpoint: "192.168.1.5:51820" },
        laptop: { site: "office", siteEndpoint: "192.168.1.5:51820" },
        other: {
          address: "10.86.0.4",
          publicKey: keys.spare.publicKey,
          site: "home",
          siteEndpoint: "192.168.1.5:51820",
        },
      },
    }),
    issues: [
      [
        "peers.laptop.siteEndpoint",
        "error",
        "192.168.1.5:51820 is also the siteEndpoint of peers.desktop",
        "only one can answer there: give one of the two another listenPort and siteEndpoint",
      ],
    ],
  },
  {
    title: "a siteEndpoint that is the endpoint of another node, though not of the same one",
    raw: changed({
      peers: {
        desktop: { site: "office", siteEndpoint: "203.0.113.10:51820" },
        laptop: {
          site: "office",
          siteEndpoint: "203.0.113.7:51820",
          endpoint: "203.0.113.7:51820",
        },
      },
    }),
    issues: [
      [
        "relays.tokyo.endpoint",
        "error",
        "203.0.113.10:51820 is also the siteEndpoint of peers.desktop",
        "only one can answer there: give one of the two another listenPort and endpoint",
      ],
    ],
  },
  {
    title: "a siteEndpoint in the tunnel and in the LAN of another site, not in one of its own",
    raw: changed({
      peers: {
        desktop: { site: "office", siteEndpoint: "10.86.0.77:51820" },
        laptop: { site: "office", siteEndpoint: "192.168.10.3:51820" },
        gateway: {
          ...{ address: "10.86.0.4", publicKey: keys.spare.publicKey, site: "home" },
          ...{ siteEndpoint: "192.168.10.1:51820", subnets: ["192.168.10.0/24"] },
        },
      },
    }),
    issues: [
      [
        "peers.desktop.siteEndpoint",
        "error",
        "10.86.0.77:51820 is in the tunnel (10.86.0.0/24)",
        THROUGH_ITSELF,
      ],
      [
        "peers.laptop.siteEndpoint",
        "error",
        "192.168.10.3:51820 is in a LAN behind gateway (192.168.10.0/24)",
        "the tunnel would be routed through itself: renumber one of the two LANs, or give both nodes the same site if it is one LAN",
      ],
    ],
  },
  {
    title: "an endpoint in the tunnel, in another node's LAN and in its own",
    raw: changed({
      relays: { tokyo: { endpoint: "10.86.0.1:51820" } },
      peers: {
        desktop: { endpoint: "192.168.10.2:51820", subnets: ["192.168.11.0/24"] },
        laptop: { endpoint: "192.168.10.3:51820", subnets: ["192.168.10.0/24"] },
      },
    }),
    issues: [
      [
        "peers.desktop.endpoint",
        "error",
        "192.168.10.2:51820 is in a LAN behind laptop (192.168.10.0/24)",
        THROUGH_ITSELF,
      ],
      [
        "peers.laptop.endpoint",
        "error",
        "192.168.10.3:51820 is in a LAN behind laptop (192.168.10.0/24)",
        THROUGH_ITSELF,
      ],
      [
        "relays.tokyo.endpoint",
        "error",
        "10.86.0.1:51820 is in the tunnel (10.86.0.0/24)",
        THROUGH_ITSELF,
      ],
    ],
  },
  {
    title: "no keepalive at a node that cannot be dialled",
    raw: changed({
      network: { persistentKeepalive: 0 },
      peers: { desktop: { persistentKeepalive: 25 } },
    }),
    issues: [
      [
        "peers.laptop.persistentKeepalive",
        "warning",
        "is 0, but no node can dial this one: behind NAT it cannot be reached until it sends a packet itself",
        "set it to 25, or give the node an endpoint",
      ],
    ],
  },
];
