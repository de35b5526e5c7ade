/** The origin's machine C as it was meant: an EC2 relay out of nothing, here a virtual machine that boots its user data. */
import { ping } from "../scenario";
import type { Scenario } from "../scenario";

export const ec2: Scenario = {
  name: "ec2",
  title: "an EC2 relay out of nothing: one up from no machine to a handshake (a virtual machine)",
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
      title: "The laptop reaches the relay by its tunnel address",
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
      title: "The way leads through the relay: a packet that may take one hop ends there",
      node: "laptop",
      command: ["ping", "-n", "-c", "1", "-W", "2", "-t", "1", "10.0.0.2"],
      expect: /^From 10\.0\.0\.1 .*Time to live exceeded/m,
    },
    {
      title: "Only the operator is let in to SSH: at the desktop the relay does not answer",
      node: "desktop",
      command: ["timeout", "3", "bash", "-c", "exec 3<>/dev/tcp/203.0.113.128/22 || exit 1"],
      expect: "no connection",
    },
    {
      title: "The running network is as planned",
      node: "operator",
      command: ["npx", "wireguard-mesh", "status"],
      expect: "answers",
    },
    {
      title: "A second look changes nothing",
      node: "operator",
      command: ["pulumi", "preview", "--expect-no-changes", "--non-interactive"],
      expect: "answers",
    },
  ],
};
