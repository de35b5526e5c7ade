/** Issues of reachability and of `expect`. */
import { changed } from "../../../support/small-network";
import { keyPair } from "../../../support/key-pairs";
import { leftOut, type Row } from "./row";

const PORTS = "write PROTOCOL/PORT or PROTOCOL/FIRST-LAST, e.g. tcp/443, udp/53 or tcp/8000-8100";

const REMEDY = "add a relay, or an endpoint to one side";

export const planRows: Row[] = [
  {
    title: "two peers that cannot be dialled, without a relay",
    raw: changed({ relays: undefined }),
    issues: [
      [
        "peers.desktop",
        "error",
        "has no path to laptop: neither side can dial the other, and no relay connects them",
        REMEDY,
      ],
    ],
  },
  {
    title:
      "many such peers: each pair is reported once, at its first node, with at most three names",
    raw: changed({ relays: undefined, peers: extraPeers(3) }),
    issues: [
      [
        "peers.desktop",
        "error",
        "has no path to extra0, extra1, extra2 and 1 more: neither side can dial the other, and no relay connects them",
        REMEDY,
      ],
      ...["extra0", "extra1", "extra2"].map((name, at): Row["issues"][number] => [
        `peers.${name}`,
        "error",
        `has no path to ${["extra1", "extra2", "laptop"].slice(at).join(", ")}: neither side can dial the other, and no relay connects them`,
        REMEDY,
      ]),
    ],
  },
  {
    title: "star without a relay, where endpoints do not help",
    raw: changed({
      relays: undefined,
      network: { topology: "star" },
      peers: { desktop: { endpoint: "203.0.113.7:51820" } },
    }),
    issues: [
      [
        "peers.desktop",
        "error",
        "has no path to laptop: neither side can dial the other, and no relay connects them",
        REMEDY,
      ],
    ],
  },
  {
    title: "expectations that fail",
    raw: changed({
      ...{ network: { cidr6: "fd5c:10::/64" } },
      relays: { tokyo: { address6: "fd5c:10::1" } },
      peers: {
        desktop: { address6: "fd5c:10::2", subnets: ["192.168.10.0/24", "fd00:1::/64"] },
        phone: { address: "10.86.0.9", publicKey: keyPair(9).publicKey, enabled: false },
      },
      expect: [
        { from: "laptop", to: "desktop", reach: false },
        { from: "laptop", to: "192.168.10.0/24", reach: false },
        { from: "desktop", to: "phone", reach: true },
        { from: "laptop", to: "fd00:1::/64", reach: true },
        { from: "tokyo", to: "fd00:1::/64", reach: true },
      ],
    }),
    issues: [
      leftOut("peers.phone"),
      [
        "peers.laptop.address6",
        "warning",
        "is missing: no node can reach this one over IPv6",
        "add a free address in cidr6",
      ],
      ...[
        [
          "expect[0]",
          "laptop should not reach desktop, but the path is laptop -> tokyo -> desktop",
        ],
        [
          "expect[1]",
          "laptop should not reach 192.168.10.0/24, but the path is laptop -> tokyo -> desktop",
        ],
        ["expect[2]", "desktop should reach phone, but there is no path"],
        ["expect[3]", "laptop should reach fd00:1::/64, but there is no path"],
      ].map(([path = "", message = ""]): Row["issues"][number] => [
        path,
        "error",
        message,
        "change the network, or the expectation",
      ]),
    ],
  },
  {
    title: "expectations with unknown names and missing keys",
    raw: changed({
      expect: [
        { from: "lapotp", to: "nobody-at-all", reach: true },
        { from: "laptop", to: "desktop" },
        "laptop",
        { from: "laptop", to: "desktop", reach: true, ports: ["ssh"] },
        { from: "laptop", to: "desktop", reach: true, port: ["tcp/22"] },
      ],
    }),
    issues: [
      ["expect[1].reach", "error", "is missing", "add it, e.g. true"],
      [
        "expect[2]",
        "error",
        "is not a map of keys and values",
        "its keys are from, to, ports, reach",
      ],
      ["expect[3].ports[0]", "error", '"ssh" is not a port', PORTS],
      ["expect[4].port", "error", "is not a known key", "did you mean ports?"],
      [
        "expect[0].from",
        "error",
        '"lapotp" is neither a node nor a LAN behind one',
        "did you mean laptop?",
      ],
      [
        "expect[0].to",
        "error",
        '"nobody-at-all" is neither a node nor a LAN behind one',
        "known: desktop, laptop, tokyo",
      ],
    ],
  },
];

/** Peers that cannot be dialled. */
function extraPeers(count: number): Record<string, unknown> {
  const peers = Array.from({ length: count }, (_, at): [string, unknown] => [
    `extra${at}`,
    { address: `10.86.0.${at + 20}`, publicKey: keyPair(at + 10).publicKey },
  ]);
  return Object.fromEntries(peers);
}
