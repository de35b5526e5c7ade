/** Inputs that caused bugs in other tools: each is an error, a warning or valid. */
import assert from "node:assert/strict";
import { readMesh } from "../../../mesh/mesh";
import { TODAY } from "../../support/networks";
import { keyPair } from "../../support/key-pairs";
import { changed, hostKey, keys } from "../../support/small-network";
import { Secret } from "../../../mesh/secret";

type Verdict = "error" | "warning" | "valid";
type Case = [input: string, verdict: Verdict, edits: Record<string, unknown>, at?: string];

const six = (desktop: Record<string, unknown>) => ({
  network: { cidr6: "fd5c:10::/64" },
  relays: { tokyo: { address6: "fd5c:10::1" } },
  peers: { desktop: { address6: "fd5c:10::2", ...desktop }, laptop: { address6: "fd5c:10::3" } },
});
const desktop = (fields: Record<string, unknown>) => ({ peers: { desktop: fields } });
const key43 = keys.desktop.publicKey.slice(0, 43);

const cases: Case[] = [
  ["one address on two peers", "error", desktop({ address: "10.86.0.3" }), "peers.laptop.address"],
  [
    "one LAN behind two peers",
    "error",
    {
      peers: { desktop: { subnets: ["192.168.1.0/24"] }, laptop: { subnets: ["192.168.1.0/24"] } },
    },
    "peers.laptop.subnets[0]",
  ],
  [
    "one public key on two peers",
    "error",
    desktop({ publicKey: keys.laptop.publicKey }),
    "peers.laptop.publicKey",
  ],
  [
    "a peer with the relay's address",
    "error",
    desktop({ address: "10.86.0.1" }),
    "relays.tokyo.address",
  ],
  [
    "a peer with the relay's key",
    "error",
    desktop({ publicKey: keys.tokyo.publicKey }),
    "relays.tokyo.publicKey",
  ],
  [
    "two relays with one address",
    "error",
    {
      relays: {
        osaka: {
          address: "10.86.0.1",
          publicKey: keys.spare.publicKey,
          endpoint: "203.0.113.11:51820",
        },
      },
    },
    "relays.tokyo.address",
  ],
  [
    "the network's own address",
    "error",
    desktop({ address: "10.86.0.0" }),
    "peers.desktop.address",
  ],
  ["the broadcast address", "error", desktop({ address: "10.86.0.255" }), "peers.desktop.address"],
  [
    "an address outside the network",
    "error",
    desktop({ address: "10.87.0.2" }),
    "peers.desktop.address",
  ],
  [
    "a LAN around the tunnel",
    "error",
    desktop({ subnets: ["10.0.0.0/8"] }),
    "peers.desktop.subnets[0]",
  ],
  ["/33", "error", desktop({ subnets: ["192.168.1.0/33"] }), "peers.desktop.subnets[0]"],
  ["an octal octet", "error", desktop({ address: "010.0.0.2" }), "peers.desktop.address"],
  ["IPv4-mapped IPv6", "error", six({ address6: "::ffff:10.0.0.2" }), "peers.desktop.address6"],
  ["host bits", "error", { network: { cidr: "10.86.0.1/24" } }, "network.cidr"],
  [
    "an endpoint without a port",
    "error",
    desktop({ endpoint: "203.0.113.7" }),
    "peers.desktop.endpoint",
  ],
  [
    "endpoint port 70000, which wg takes for 4464",
    "error",
    desktop({ endpoint: "203.0.113.7:70000" }),
    "peers.desktop.endpoint",
  ],
  [
    "listen port 65536, which wg takes",
    "error",
    desktop({ listenPort: 65536 }),
    "peers.desktop.listenPort",
  ],
  [
    "keepalive 65536",
    "error",
    desktop({ persistentKeepalive: 65536 }),
    "peers.desktop.persistentKeepalive",
  ],
  [
    "keepalive 25s",
    "error",
    desktop({ persistentKeepalive: "25s" }),
    "peers.desktop.persistentKeepalive",
  ],
  ["a key of 43 characters", "error", desktop({ publicKey: key43 }), "peers.desktop.publicKey"],
  [
    "a key whose last digit is not canonical",
    "error",
    desktop({ publicKey: `${key43.slice(0, 42)}B=` }),
    "peers.desktop.publicKey",
  ],
  [
    "the all-zero key",
    "error",
    desktop({ publicKey: `${"A".repeat(43)}=` }),
    "peers.desktop.publicKey",
  ],
  [
    "an interface name of 16 characters",
    "error",
    { network: { interface: "w".repeat(16) } },
    "network.interface",
  ],
  ["an interface name of 15 characters", "valid", { network: { interface: "w".repeat(15) } }],
  [
    "an interface name with a space",
    "error",
    { network: { interface: "wg 0" } },
    "network.interface",
  ],
  [
    "an interface name with a slash",
    "error",
    { network: { interface: "../wg0" } },
    "network.interface",
  ],
  [
    "a NATed peer without keepalive",
    "warning",
    desktop({ persistentKeepalive: 0 }),
    "peers.desktop.persistentKeepalive",
  ],
  [
    "a dialled peer without keepalive",
    "valid",
    desktop({ persistentKeepalive: 0, endpoint: "203.0.113.7:1" }),
  ],
  [
    "the whole internet as a LAN",
    "error",
    desktop({ subnets: ["0.0.0.0/0"] }),
    "peers.desktop.subnets[0]",
  ],
  ["MTU 1200 with IPv6 on", "error", six({ mtu: 1200 }), "peers.desktop.mtu"],
  ["MTU 1200 without IPv6", "valid", desktop({ mtu: 1200 })],
  [
    "names that differ by case",
    "error",
    { peers: { Laptop: { address: "10.86.0.9", publicKey: keys.spare.publicKey } } },
    "peers.Laptop",
  ],
  [
    "a name with a hyphen",
    "valid",
    { peers: { "home-pc": { address: "10.86.0.9", publicKey: keys.spare.publicKey } } },
  ],
  [
    "a name that is a property of every JavaScript object",
    "valid",
    { peers: { constructor: { address: "10.86.0.9", publicKey: keys.spare.publicKey } } },
  ],
  ["no relay, and peers that cannot be dialled", "error", { relays: undefined }, "peers.desktop"],
  [
    "no relay, and one peer that can be dialled",
    "valid",
    { relays: undefined, ...desktop({ endpoint: "192.168.1.2:51820" }) },
  ],
  [
    "no relays, no peers",
    "valid",
    { relays: undefined, peers: { desktop: undefined, laptop: undefined } },
  ],
  [
    "a policy with a relay that cannot enforce it",
    "error",
    { policy: [{ from: ["desktop"], to: ["*"] }] },
    "relays.tokyo.host",
  ],
  [
    "SSH from the whole internet",
    "error",
    {
      privateKeys: Secret.sealed(),
      sshPrivateKey: Secret.sealed(),
      sshAuthoritySeed: Secret.sealed(),
      relays: { tokyo: { ec2: { adminCidrs: ["0.0.0.0/0"] } } },
    },
    "relays.tokyo.ec2.adminCidrs[0]",
  ],
  [
    "a map that is null",
    "valid",
    { network: null, expect: null, relays: { tokyo: { tags: null } } },
  ],
  [
    "an SSH key that ssh-keygen made",
    "valid",
    { sshPrivateKey: Secret.of("-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n") },
  ],
  [
    "a direct host and one via a relay",
    "valid",
    {
      privateKeys: Secret.sealed(),
      relays: { tokyo: { host: "root@203.0.113.10", hostKey } },
      peers: {
        desktop: {
          host: ["taro@[2001:db8::20]:2222", "taro@via:tokyo"],
          hostKey: [hostKey, `${hostKey} taro@desk`],
        },
      },
    },
  ],
  [
    "the last day of a node",
    "warning",
    desktop({ expires: "2026-11-23" }),
    "peers.desktop.expires",
  ],
  [
    "the last day of a node, in the format of the engine for a date without quotes",
    "warning",
    desktop({ expires: "2026-11-23 00:00:00 +0000 UTC" }),
    "peers.desktop.expires",
  ],
  [
    "a node that has just expired",
    "warning",
    desktop({ expires: "2026-11-23T11:59:59.999Z" }),
    "peers.desktop.expires",
  ],
  [
    "addresses at both ends of a /31",
    "valid",
    {
      network: { cidr: "10.86.0.2/31" },
      relays: undefined,
      peers: { desktop: { endpoint: "203.0.113.7:1" } },
    },
  ],
  [
    "many peers behind NAT",
    "valid",
    {
      peers: Object.fromEntries(
        Array.from({ length: 24 }, (_, at) => [
          `p${at}`,
          { address: `10.86.0.${at + 20}`, publicKey: keyPair(at + 40).publicKey },
        ]),
      ),
    },
  ],
];

describe("validation", () => {
  for (const [input, verdict, edits, at] of cases) {
    it(`${input}: ${verdict}`, () => {
      const found = readMesh(changed(edits), TODAY).issues;
      const places = found.map(({ severity, path }) => `${severity} at ${path}`);
      assert.deepEqual(places, verdict === "valid" ? [] : [`${verdict} at ${at ?? ""}`]);
    });
  }
});
