/** WireGuard's own quick start: two machines in one LAN, with an endpoint on one side only. */
import { ping } from "../scenario";
import type { Scenario } from "../scenario";

export const quickstart: Scenario = {
  name: "quickstart",
  title: "WireGuard's quick start: two machines in one LAN, an endpoint on one side only, no relay",
  picture: `
    +----------+                     +----------+
    |    a     |  wg0 ======== wg0   |    b     |
    | 10.0.0.1 |                     | 10.0.0.2 |
    +----------+                     +----------+
         | 192.168.1.1                    | 192.168.1.2, port 51820
  -------+--------------+-----------------+-------
                        | LAN 192.168.1.0/24
                   +---------+
                   | router  |
                   |  (NAT)  |
                   +---------+
                        | 203.0.113.21
                     internet
`,
  world: {
    nats: { router: { public: "203.0.113.21", lan: "192.168.1.0/24", gw: "192.168.1.254" } },
    hosts: { a: { nat: "router", ip: "192.168.1.1" }, b: { nat: "router", ip: "192.168.1.2" } },
  },
  config: (lab) => ({
    network: { cidr: "10.0.0.0/24" },
    peers: {
      a: { address: "10.0.0.1", host: `root@${lab.managementAddress("a")}` },
      b: {
        address: "10.0.0.2",
        host: `root@${lab.managementAddress("b")}`,
        endpoint: "192.168.1.2:51820",
      },
    },
  }),
  proofs: [
    { title: "A reaches B", node: "a", command: ping("10.0.0.2"), expect: "answers" },
    { title: "B reaches A", node: "b", command: ping("10.0.0.1"), expect: "answers" },
    {
      title: "A has B's endpoint in its config",
      node: "a",
      command: ["grep", "Endpoint", "/etc/wireguard/wg0.conf"],
      expect: /^Endpoint = 192\.168\.1\.2:51820\n$/,
    },
    {
      title: "B has no endpoint in its config",
      node: "b",
      command: ["grep", "-c", "Endpoint", "/etc/wireguard/wg0.conf"],
      expect: "silence",
    },
    {
      title: "B learned A's endpoint from its first packet",
      node: "b",
      command: ["wg", "show", "wg0", "endpoints"],
      expect: /^\S+\t192\.168\.1\.1:\d+\n$/,
    },
    {
      title: "The running network matches the plan",
      node: "operator",
      command: ["npx", "wireguard-mesh", "status"],
      expect: "answers",
    },
  ],
};
