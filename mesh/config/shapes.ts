/** The shapes of the network and its nodes: all keys, with descriptions for the reference and for editors. */
import { z } from "zod";
import { parseAddress, parsePrefix, type Prefix } from "../addresses";
import { KEY } from "../key-text";
import { flag, list, listWithPairs, number, oneOf, oneOrMore, text } from "./field";
import type { Subnet } from "./config";
import { Mistake } from "./mistake";
import { parseDomain } from "./domain";
import {
  ADDRESS,
  ENDPOINT,
  HOST,
  INTERFACE,
  IPV4,
  KEEPALIVE,
  MOMENT,
  MTU,
  NAME,
  PORT,
  PREFIX,
  SSH_KEY,
} from "./patterns";
import {
  parseEndpoint,
  parseExpiry,
  parseHost,
  parseHostKey,
  parseInterface,
  parseKeepalive,
  parseMappedLan,
  parseMtu,
  parseName,
  parsePort,
  parsePublicKey,
} from "./values";

/** The defaults of absent keys. */
export const networkDefaults = {
  cidr: "10.86.0.0/24",
  interface: "wg0",
  listenPort: 51820,
  persistentKeepalive: 25,
  topology: "auto",
} as const;

const cidr = (other: string, example: string) =>
  text((written) => prefixOf(4, written, other), example, PREFIX);
const cidr6 = (other: string, example: string) =>
  text((written) => prefixOf(6, written, other), example, PREFIX);
const publicKey = () => text(parsePublicKey, "the line that `wg pubkey` prints", KEY);

export const networkShape = z.strictObject({
  cidr: cidr("network.cidr6", "10.86.0.0/24").optional().meta({
    description: "tunnel addresses, IPv4; choose a prefix that none of your LANs uses",
    default: networkDefaults.cidr,
  }),
  cidr6: cidr6("network.cidr", "fd5c:10::/64").optional().meta({
    description: "tunnel addresses, IPv6",
  }),
  interface: text(parseInterface, "wg0", INTERFACE).optional().meta({
    description:
      "interface name on every host; one that another program made is touched only if it has the node's own key",
    default: networkDefaults.interface,
  }),
  listenPort: number(parsePort, 51820, PORT).optional().meta({
    description: "UDP port of nodes that can be dialled",
    default: networkDefaults.listenPort,
  }),
  persistentKeepalive: number(parseKeepalive, 25, KEEPALIVE).optional().meta({
    description: "seconds, for nodes that cannot be dialled; 0 is off",
    default: networkDefaults.persistentKeepalive,
  }),
  mtu: number(parseMtu, 1420, MTU).optional().meta({
    description: "MTU of every interface; at least 1280 with `cidr6`",
    absent: "wg-quick's own",
  }),
  topology: oneOf("auto", "star").optional().meta({
    description:
      "`auto`: direct links where one side can dial the other; `star`: everything through the relay",
    default: networkDefaults.topology,
  }),
  domain: text(parseDomain, "mesh.internal", /\./).optional().meta({
    description: "every node is `NAME.DOMAIN`",
    page: "names.md",
  }),
});

const nodeKeys = {
  address: text((written) => addressOf(4, written), "10.86.0.2", IPV4).meta({
    description: "tunnel address inside `cidr`, without a prefix length",
  }),
  address6: text((written) => addressOf(6, written), "fd5c:10::2", ADDRESS)
    .optional()
    .meta({
      description: "tunnel address inside `cidr6`",
    }),
  publicKey: publicKey().meta({ description: "as `wg pubkey` prints it" }),
  nextPublicKey: publicKey().optional().meta({
    description: "the key that the node is moving to; written by `rotate`",
    page: "rotation.md",
  }),
  host: oneOrMore(parseHost, "admin@203.0.113.10", HOST).optional().meta({
    description:
      "how to reach the machine for a push: `user@address[:port]`, `user@via:RELAY` or `local`; a list is tried in order. Without it, you deliver the config as a file or a QR code",
    page: "config.md#host",
  }),
  hostKey: oneOrMore(parseHostKey, '"ssh-ed25519 AAAA..."', SSH_KEY).optional().meta({
    description: "the machine's SSH host keys: lines as in `/etc/ssh/ssh_host_ed25519_key.pub`",
    absent: "required with SSH",
  }),
  endpoint: text(parseEndpoint, '"203.0.113.10:51820"', ENDPOINT).optional().meta({
    description: "`HOST:PORT` where any node can dial it",
    absent: "a relay: its host's address and port",
  }),
  listenPort: number(parsePort, 51820, PORT).optional().meta({
    description: "UDP port",
    absent: "`network.listenPort` if it can be dialled, else the kernel's choice",
  }),
  site: text(parseName, "office", NAME).optional().meta({
    description: "nodes of the same site dial each other at their `siteEndpoint`",
  }),
  siteEndpoint: text(parseEndpoint, '"192.168.1.2:51820"', ENDPOINT).optional().meta({
    description: "`HOST:PORT` where nodes of the same site can dial it",
  }),
  subnets: listWithPairs<Subnet, "lan" | "as">(
    parsePrefix,
    ["lan", "as"],
    parseMappedLan,
    "192.168.10.0/24",
    PREFIX,
  )
    .optional()
    .meta({
      description:
        "LANs behind it, as CIDRs; `{ lan: CIDR, as: CIDR }` gives one another prefix in the network",
      page: "home-lan.md",
    }),
  masquerade: flag().optional().meta({
    description:
      "its LANs see its own address as the source, so their routers need no routes; needs a `host`",
    default: false,
    page: "home-lan.md",
  }),
  persistentKeepalive: number(parseKeepalive, 25, KEEPALIVE).optional().meta({
    description: "seconds, towards the nodes that it dials",
    absent: "`network.persistentKeepalive` if it cannot be dialled",
  }),
  mtu: number(parseMtu, 1420, MTU).optional().meta({
    description: "MTU of its interface",
    absent: "`network.mtu`",
  }),
  tags: list(parseName, "admin", NAME).optional().meta({
    description: "labels, for `policy`",
    page: "policy.md",
  }),
  enabled: flag().optional().meta({
    description: "`false`: as if removed, but its name, address and key stay reserved",
    default: true,
  }),
  expires: text(parseExpiry, '"2026-12-31"', MOMENT).optional().meta({
    description: "hosts remove it at the end of that day (UTC), or at that time if one is given",
    absent: "never",
    page: "config.md#expires",
  }),
};

/** `ec2` has its own shape, in ec2-shape.ts, so that with a mistake in it the relay still counts as an ec2 relay. */
export const relayShape = z.strictObject({
  ...nodeKeys,
  rotationPort: number(parsePort, 51821, PORT).optional().meta({
    description: "UDP port that the relay's next key gets, during its rotation and from then on",
    absent: "listen port + 1",
    page: "rotation.md",
  }),
  exit: flag().optional().meta({
    description:
      "forwards the traffic of its peers with `routeAll` to the internet; needs a `host` or `ec2`",
    default: false,
  }),
  exitCheck: oneOrMore(parseAddress, "9.9.9.9", ADDRESS).optional().meta({
    description:
      "of an `exit`: addresses on the internet; a host undoes its switch to this exit if they do not answer a ping",
    page: "exit-for-a-host.md#the-exit-is-tried",
  }),
  peersCidr: cidr("peersCidr6", "10.86.1.0/24").optional().meta({
    description: "part of `cidr` for its peers, with several relays",
    page: "config.md#several-relays",
  }),
  peersCidr6: cidr6("peersCidr", "fd5c:10:0:1::/64").optional().meta({
    description: "part of `cidr6` for its peers, with several relays",
    page: "config.md#several-relays",
  }),
  ec2: z.unknown().optional().meta({
    description: "instead of `host` and `hostKey`: the machine that the program creates",
    page: "ec2.md",
  }),
});
export const peerShape = z.strictObject({
  ...nodeKeys,
  relay: text(parseName, "tokyo", NAME).optional().meta({
    description: "its home relay",
    absent: "the relay with the lowest tunnel address",
  }),
  routeAll: flag().optional().meta({
    description: "all its traffic leaves through its home relay, an `exit`",
    default: false,
    page: "exit-for-a-phone.md",
  }),
  blockIpv6: flag().optional().meta({
    description:
      "with `routeAll`: the IPv6 traffic of the device goes into the tunnel and is dropped, instead of past the tunnel",
    default: false,
    page: "exit-for-a-phone.md",
  }),
  dns: oneOrMore(parseAddress, "9.9.9.9", ADDRESS).optional().meta({
    description: "for devices: their DNS servers; with `domain`, they must know its names",
    absent: "its home relay with `domain`, else the device's own",
    page: "names.md",
  }),
});

export type RawNetwork = z.output<typeof networkShape>;
export type RawPeer = z.output<typeof peerShape>;
export type RawRelay = z.output<typeof relayShape>;

/** `other` is the config key for the other address family. */
function prefixOf(family: 4 | 6, written: string, other: string): Prefix {
  const prefix = parsePrefix(written);
  if (prefix.family !== family) {
    throw new Mistake(`${prefix.text} is an IPv${prefix.family} prefix`, `put it in ${other}`);
  }
  const least = family === 4 ? 8 : 32;
  if (prefix.length < least) {
    throw new Mistake(
      `${prefix.text} would route much of the internet into the tunnel`,
      `use a private prefix of /${least} or longer, e.g. ${family === 4 ? "10.86.0.0/24" : "fd5c:10::/64"}`,
    );
  }
  return prefix;
}

function addressOf(family: 4 | 6, written: string) {
  const address = parseAddress(written);
  if (address.family === family) return address;
  const other = family === 4 ? "address6" : "address";
  throw new Mistake(`${address.text} is an IPv${address.family} address`, `put it in ${other}`);
}
