/** The default: a desktop and a laptop behind two NATs, connected through a relay that both can dial. */
import { ping } from "../scenario";
import type { Scenario } from "../scenario";

export const relay: Scenario = {
  name: "relay",
  title: "a desktop and a laptop behind two NATs, and a relay between them",
  picture: `
                       internet  203.0.113.0/24
  -------+--------------------+---------------------+-------
         | 203.0.113.21       | 203.0.113.10        | 203.0.113.22
    +---------+          +----------+          +---------+
    |  home   |          |  relay   |          |  cafe   |
    | (NAT)   |          | 10.0.0.1 |          |  (NAT)  |
    +---------+          +----------+          +---------+
         | 192.168.1.0/24                           | 192.168.12.0/24
         | .20                                      | .30
    +----------+                               +----------+
    | desktop  |                               |  laptop  |
    | 10.0.0.2 |                               | 10.0.0.3 |
    +----------+                               +----------+
`,
  world: {
    nats: {
      home: { public: "203.0.113.21", lan: "192.168.1.0/24" },
      cafe: { public: "203.0.113.22", lan: "192.168.12.0/24" },
    },
    hosts: {
      relay: { public: "203.0.113.10" },
      desktop: { nat: "home", ip: "192.168.1.20" },
      laptop: { nat: "cafe", ip: "192.168.12.30" },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.0.0.0/24" },
    relays: { relay: { address: "10.0.0.1", host: "root@203.0.113.10" } },
    peers: {
      desktop: {
        address: "10.0.0.2",
        host: [`root@${lab.managementAddress("desktop")}`, "root@via:relay"],
      },
      laptop: { address: "10.0.0.3", host: `root@${lab.managementAddress("laptop")}` },
    },
  }),
  proofs: [
    {
      title: "The laptop reaches the desktop's tunnel address",
      node: "laptop",
      command: ping("10.0.0.2"),
      expect: "answers",
    },
    {
      title: "The desktop reaches the laptop",
      node: "desktop",
      command: ping("10.0.0.3"),
      expect: "answers",
    },
    {
      title: "The route leads through the relay: a packet with a TTL of 1 ends there",
      node: "laptop",
      command: ["ping", "-n", "-c", "1", "-W", "2", "-t", "1", "10.0.0.2"],
      expect: /^From 10\.0\.0\.1 .*Time to live exceeded/m,
    },
    {
      title: "Without the tunnel the desktop cannot be reached: its LAN address does not answer",
      node: "laptop",
      command: ping("192.168.1.20"),
      expect: "silence",
    },
    {
      title: "Both peers have completed a handshake with the relay",
      node: "relay",
      command: ["wg", "show", "wg0", "latest-handshakes"],
      expect: /^(\S+\t[1-9]\d*\n){2}$/,
    },
    {
      title: "The running network matches the plan",
      node: "operator",
      command: ["npx", "wireguard-mesh", "status"],
      expect: "answers",
    },
  ],
};
