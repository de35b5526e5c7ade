/** Issues of `policy`, and of `expect` with one. */
import { changed, hostKey } from "../../../support/small-network";
import { leftOut, type Row } from "./row";

const PORTS = "write PROTOCOL/PORT or PROTOCOL/FIRST-LAST, e.g. tcp/443, udp/53 or tcp/8000-8100";
const SELECTOR = "write a node's name, tag:NAME, the CIDR of a LAN behind a node, or *";
const LIST =
  'write a list: [ { from: ["tag:admin"], to: ["*"] } ]; [] allows nothing; without policy, everything is allowed';
const FILTER = "is not pushed to, and so cannot enforce the policy";
const FILTER_REMEDY = "add host and hostKey there, allow everything between them, or add a relay";

const pushed = { host: "root@203.0.113.10", hostKey };

export const policyRows: Row[] = [
  {
    title: "a policy that is not a list",
    raw: limited({ policy: { from: "laptop", to: "desktop" } }),
    issues: [["policy", "error", "is not a list", LIST]],
  },
  {
    title: "an empty value, which is not an empty list",
    raw: limited({ policy: null }),
    issues: [["policy", "error", "is not a list", LIST]],
  },
  {
    title: "everything wrong in the rules, at once",
    raw: limited({
      peers: { desktop: { tags: ["guest"], subnets: ["192.168.10.0/24"] } },
      policy: [
        { from: ["lapotp", "tag:gest", "guest"], to: ["192.168.11.0/24", "10.99.0.0/16"] },
        { from: ["nobody-at-all"], to: ["tag:administrators"], ports: ["443", "tcp/70000"] },
        { from: [], too: ["*"], ports: ["udp/9-5"] },
        { from: ["Laptop"], to: ["192.168.10.1/24"], ports: [] },
        "laptop",
      ],
    }),
    issues: [
      ["policy[1].ports[0]", "error", '"443" is not a port', PORTS],
      ["policy[1].ports[1]", "error", '"tcp/70000" is not a port', PORTS],
      ["policy[2].too", "error", "is not a known key", "did you mean to?"],
      ["policy[2].from", "error", "is an empty list", "list at least one, or remove the rule"],
      ["policy[2].to", "error", "is missing", "write one, or a list: [ ... ]"],
      ["policy[2].ports[0]", "error", '"udp/9-5" is not a port', PORTS],
      [
        "policy[3].from[0]",
        "error",
        '"Laptop" cannot be a name',
        "use a DNS label: lower-case letters, digits and single hyphens, at most 63 characters",
      ],
      ["policy[3].to[0]", "error", '"192.168.10.1/24" has host bits set', "write 192.168.10.0/24"],
      [
        "policy[3].ports",
        "error",
        "is an empty list",
        "list at least one; without ports, everything may be started",
      ],
      ["policy[4]", "error", "is not a map of keys and values", "its keys are from, to, ports"],
      ["policy[0].from[0]", "error", "lapotp is not a node", "did you mean laptop?"],
      ["policy[0].from[1]", "error", "no node has the tag gest", "did you mean tag:guest?"],
      ["policy[0].from[2]", "error", "guest is a tag, not a node", "write tag:guest"],
      [
        "policy[0].to[0]",
        "error",
        "192.168.11.0/24 is not a LAN behind a node",
        "did you mean 192.168.10.0/24? Otherwise list it under a node's subnets",
      ],
      [
        "policy[0].to[1]",
        "error",
        "10.99.0.0/16 is not a LAN behind a node",
        "list it under a node's subnets",
      ],
      [
        "policy[1].from[0]",
        "error",
        "nobody-at-all is not a node",
        "known: desktop, laptop, tokyo",
      ],
      [
        "policy[1].to[0]",
        "error",
        "no node has the tag administrators",
        "give it to a node, or take tag:administrators out of the rule",
      ],
    ],
  },
  {
    title: "addresses and other prefixes where a node or a LAN is meant",
    raw: limited({
      peers: { desktop: { subnets: ["192.168.10.0/24"] } },
      policy: [
        { from: "10.86.0.3", to: "fd5c:10::3" },
        { from: "10.86.0.0/24", to: ["192.168.10.7/32", "192.168.0.0/16"] },
      ],
    }),
    issues: [
      ["policy[0].from[0]", "error", '"10.86.0.3" is not a node, a tag or a LAN', SELECTOR],
      ["policy[0].to[0]", "error", '"fd5c:10::3" is not a node, a tag or a LAN', SELECTOR],
      [
        "policy[1].from[0]",
        "error",
        "10.86.0.0/24 are tunnel addresses",
        "name the nodes, one of their tags, or *",
      ],
      ...["192.168.10.7/32", "192.168.0.0/16"].map((prefix, at): Row["issues"][number] => [
        `policy[1].to[${at}]`,
        "error",
        `${prefix} overlaps the LAN 192.168.10.0/24`,
        "write 192.168.10.0/24: a rule is about a whole LAN",
      ]),
    ],
  },
  {
    title: "a relay that is not pushed to",
    raw: changed({ policy: [] }),
    issues: [
      [
        "relays.tokyo.host",
        "error",
        "is missing: with a policy, a relay is pushed to, because it drops what the policy does not allow",
        "add host and hostKey, or remove policy",
      ],
    ],
  },
  {
    title: "rules about a disabled node and its tag, which come back with it",
    raw: limited({
      peers: { laptop: { enabled: false, tags: ["guest"] } },
      policy: [{ from: ["laptop", "tag:guest"], to: ["desktop"] }],
    }),
    issues: [leftOut("peers.laptop")],
  },
  {
    title: "a pair that may talk, but whose direct link could not be limited",
    raw: withoutRelay({ policy: [{ from: ["laptop"], to: ["desktop"], ports: ["tcp/443"] }] }),
    issues: [
      [
        "peers.desktop",
        "error",
        "has no path to laptop with this policy: desktop, laptop are not pushed to, and so cannot enforce the policy",
        FILTER_REMEDY,
      ],
    ],
  },
  {
    title: "the same where one end could",
    raw: withoutRelay({
      peers: { desktop: { host: "root@203.0.113.7", hostKey } },
      policy: [{ from: ["laptop"], to: ["desktop"], ports: ["tcp/443"] }],
    }),
    issues: [
      [
        "peers.desktop",
        "error",
        `has no path to laptop with this policy: laptop ${FILTER}`,
        FILTER_REMEDY,
      ],
    ],
  },
  {
    title: "none for a pair that may not talk, or that may start everything",
    raw: withoutRelay({
      policy: [{ from: ["desktop", "laptop"], to: ["laptop", "desktop"] }],
      peers: {
        tablet: { address: "10.86.0.4", publicKey: "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=" },
      },
    }),
    issues: [],
  },
  {
    title: "expectations that a policy contradicts",
    raw: limited({
      peers: { desktop: { subnets: ["192.168.10.0/24"] } },
      policy: [{ from: ["laptop"], to: ["desktop"], ports: ["tcp/443", "tcp/8000-8100"] }],
      expect: [
        { from: "laptop", to: "desktop", reach: true },
        { from: "laptop", to: "desktop", reach: true, ports: ["tcp/443", "tcp/22", "udp/53"] },
        { from: "laptop", to: "desktop", reach: false, ports: ["tcp/443", "tcp/22"] },
        { from: "laptop", to: "desktop", reach: false, ports: ["tcp/1-442", "udp/443"] },
        { from: "laptop", to: "desktop", reach: false, ports: ["tcp/1-9000"] },
        { from: "laptop", to: "192.168.10.0/24", reach: true },
        { from: "desktop", to: "laptop", reach: false },
        { from: "desktop", to: "tokyo", reach: true },
        { from: "desktop", to: "tokyo", reach: true, ports: "tcp/22" },
      ],
    }),
    issues: [
      [
        1,
        "laptop should reach desktop at tcp/22, tcp/443, udp/53, but the policy does not allow tcp/22, udp/53",
      ],
      [
        2,
        "laptop should not reach desktop at tcp/22, tcp/443, but tcp/443 is open, and the path is laptop -> tokyo -> desktop",
      ],
      [
        4,
        "laptop should not reach desktop at tcp/1-9000, but tcp/1-9000 is open, and the path is laptop -> tokyo -> desktop",
      ],
      [5, "laptop should reach 192.168.10.0/24, but the policy does not allow it"],
      [8, "desktop should reach tokyo at tcp/22, but the policy does not allow tcp/22"],
    ].map(([at, message]): Row["issues"][number] => [
      `expect[${at}]`,
      "error",
      `${message}`,
      "change the network, or the expectation",
    ]),
  },
];

/** A relay that can enforce a policy, and two peers. */
function limited(edits: { peers?: unknown; policy: unknown; expect?: unknown }) {
  return changed({ relays: { tokyo: pushed }, ...edits });
}

/** Two peers without a host, one of which can be dialled. */
function withoutRelay(edits: { peers?: Record<string, unknown>; policy: unknown }) {
  const endpoint = { endpoint: "203.0.113.7:51820" };
  const desktop = {
    ...endpoint,
    ...(edits.peers?.["desktop"] as Record<string, unknown> | undefined),
  };
  return changed({ relays: undefined, ...edits, peers: { ...edits.peers, desktop } });
}
