/** Issues of `host` and `hostKey`. */
import { Secret } from "../../../../mesh/secret";
import { keyPair } from "../../../support/key-pairs";
import { changed, hostKey, keys } from "../../../support/small-network";
import { leftOut, type Row } from "./row";

/** All private keys are set. */
const privateKeys = Secret.sealed();

export const hostRows: Row[] = [
  {
    title: "an SSH host without a host key, at an active and at a disabled node",
    raw: changed({
      privateKeys,
      peers: {
        desktop: { host: "taro@192.168.1.20" },
        laptop: { host: ["taro@192.168.1.21"], enabled: false },
      },
    }),
    issues: [
      leftOut("peers.laptop"),
      ...["desktop", "laptop"].map((name): Row["issues"][number] => [
        `peers.${name}.hostKey`,
        "error",
        "is missing: without it any machine could pose as this host",
        "copy the machine's own line, from a session you trust: cat /etc/ssh/ssh_host_ed25519_key.pub",
      ]),
    ],
  },
  {
    title: "a host via a relay that does not exist",
    raw: changed({
      privateKeys,
      peers: {
        desktop: { host: "taro@via:tokio", hostKey },
        laptop: { host: ["taro@192.168.1.21", "taro@via:sao-paulo"], hostKey },
      },
    }),
    issues: [
      ["peers.desktop.host", "error", "there is no relay tokio", "did you mean tokyo?"],
      ["peers.laptop.host", "error", "there is no relay sao-paulo", "relays: tokyo"],
    ],
  },
  {
    title: "a host via the relay itself",
    raw: changed({ privateKeys, relays: { tokyo: { host: "root@via:tokyo", hostKey } } }),
    issues: [
      [
        "relays.tokyo.host",
        "error",
        "goes through itself",
        "use the machine's own address: user@address",
      ],
    ],
  },
  {
    title: "a host via a disabled relay",
    raw: changed({
      privateKeys,
      relays: {
        osaka: {
          address: "10.86.0.9",
          publicKey: "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=",
          host: "root@203.0.113.9",
          hostKey,
          enabled: false,
        },
      },
      peers: { desktop: { host: "taro@via:osaka", hostKey } },
    }),
    issues: [
      leftOut("relays.osaka"),
      [
        "peers.desktop.host",
        "error",
        "goes through osaka, which is left out (disabled or expired)",
        "use another host, or correct enabled or expires of relays.osaka",
      ],
    ],
  },
  {
    title: "a host via a relay without an SSH address",
    raw: changed({ privateKeys, peers: { desktop: { host: "taro@via:tokyo", hostKey } } }),
    issues: [
      [
        "peers.desktop.host",
        "error",
        "goes through tokyo, which has no SSH address of its own",
        "give relays.tokyo a host of the form user@address",
      ],
    ],
  },
  {
    title: "two nodes on one machine",
    raw: changed({
      privateKeys,
      relays: { tokyo: { host: ["root@192.168.1.20", "local"], hostKey } },
      peers: {
        desktop: { host: ["taro@192.168.1.20", "taro@192.168.1.20:2222"], hostKey },
        laptop: { host: "local" },
      },
    }),
    issues: [
      [
        "relays.tokyo.host",
        "error",
        "192.168.1.20 port 22 is also the host of peers.desktop",
        "a machine can be only one node of a network: remove one of the two",
      ],
      [
        "relays.tokyo.host",
        "error",
        "local is also the host of peers.laptop",
        "a machine can be only one node of a network: remove one of the two",
      ],
    ],
  },
  {
    title:
      "a host in the tunnel, and one in a LAN that its node gets through the tunnel; the gateway itself and a peer of its site are none",
    raw: changed({
      privateKeys,
      relays: { tokyo: { host: "root@192.168.10.9", hostKey } },
      peers: {
        desktop: { host: "taro@10.86.0.2", hostKey },
        laptop: { host: ["taro@via:tokyo", "taro@192.168.10.21"], hostKey },
        gateway: {
          ...{ address: "10.86.0.4", publicKey: keys.spare.publicKey, site: "home" },
          ...{ host: "root@192.168.10.1", hostKey, subnets: ["192.168.10.0/24"] },
        },
        near: {
          ...{ address: "10.86.0.5", publicKey: keyPair(9).publicKey, site: "home" },
          ...{ host: "root@192.168.10.2", hostKey },
        },
      },
    }),
    issues: [
      [
        "peers.desktop.host",
        "error",
        "10.86.0.2 is in the tunnel (10.86.0.0/24), so the node would reach its own network through the tunnel",
        "use the machine's address on the outer network, or user@via:RELAY; or give the tunnel another prefix (network.cidr, network.cidr6)",
      ],
      ...["peers.laptop", "relays.tokyo"].map((path): Row["issues"][number] => [
        `${path}.host`,
        "error",
        `192.168.10.${path === "relays.tokyo" ? "9" : "21"} is in a LAN behind gateway (192.168.10.0/24), so the node would reach its own network through the tunnel`,
        "if the machine is in that LAN, give it and the node in front of it the same site; else use another address of it",
      ]),
    ],
  },
];
