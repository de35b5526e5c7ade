/** A desktop and a laptop behind two NATs with an EC2 relay: a virtual machine that boots the real user data. */
import { ping } from "../scenario";
import type { Scenario } from "../scenario";

export const ec2: Scenario = {
  name: "ec2",
  title: "an EC2 relay (a virtual machine): one up creates it and brings the tunnels up",
  picture: `
                       internet  203.0.113.0/24
  -------+--------------------+---------------------+-------
         | 203.0.113.21       | an Elastic IP       | 203.0.113.22
    +---------+          +-----------+         +---------+
    |  home   |          | router of |         |  cafe   |
    | (NAT)   |          | a VPC     |         |  (NAT)  |
    +---------+          +-----------+         +---------+
         | 192.168.1.0/24     | 172.29.86.0/24       | 192.168.12.0/24
         | .20          ######################       | .30
    +----------+        #  tokyo, 10.0.0.1   #  +----------+
    | desktop  |        #  Debian 12, booted #  |  laptop  |
    | 10.0.0.2 |        #  by pulumi up      #  | 10.0.0.3 |
    +----------+        ######################  +----------+
`,
  world: {
    nats: {
      home: { public: "203.0.113.21", lan: "192.168.1.0/24" },
      cafe: { public: "203.0.113.22", lan: "192.168.12.0/24" },
    },
    hosts: {
      desktop: { nat: "home", ip: "192.168.1.20" },
      laptop: { nat: "cafe", ip: "192.168.12.30" },
    },
  },
  config: (lab) => ({
    network: { cidr: "10.0.0.0/24" },
    relays: {
      tokyo: {
        address: "10.0.0.1",
        // The operator's address on the lab's internet.
        ec2: { instanceType: "t4g.nano", adminCidrs: ["203.0.113.250/32"] },
      },
    },
    peers: {
      desktop: {
        address: "10.0.0.2",
        host: [`root@${lab.managementAddress("desktop")}`, "root@via:tokyo"],
      },
      laptop: { address: "10.0.0.3", host: `root@${lab.managementAddress("laptop")}` },
    },
  }),
  proofs: [
    {
      title: "The laptop reaches the relay's tunnel address",
      node: "laptop",
      command: ping("10.0.0.1"),
      expect: "answers",
    },
    {
      title: "The laptop reaches the desktop, and the desktop the laptop",
      node: "laptop",
      command: ping("10.0.0.2"),
      expect: "answers",
    },
    {
      title: "The route leads through the relay: a packet with a TTL of 1 ends there",
      node: "laptop",
      command: ["ping", "-n", "-c", "1", "-W", "2", "-t", "1", "10.0.0.2"],
      expect: /^From 10\.0\.0\.1 .*Time to live exceeded/m,
    },
    {
      title: "The relay accepts SSH from the operator only: not from the desktop",
      node: "desktop",
      command: ["timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/203.0.113.128/22 || exit 1"],
      expect: "no connection",
    },
    {
      title: "The running network matches the plan",
      node: "operator",
      command: ["npx", "wireguard-mesh", "status"],
      expect: "answers",
    },
    {
      title: "A second preview shows no changes",
      node: "operator",
      command: ["pulumi", "preview", "--expect-no-changes", "--non-interactive"],
      expect: "answers",
    },
  ],
};
