/** The shape of each part of the config: its keys and their types. */
import { z } from "zod";
import { parseAddress, parsePrefix, type Prefix } from "../addresses";
import { flag, list, listWithPairs, number, oneOf, oneOrMore, text } from "./field";
import type { Subnet } from "./config";
import { Mistake } from "./mistake";
import { parsePorts } from "./ports";
import { parseDomain } from "./domain";
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
  parseSelector,
} from "./values";

export const networkShape = z.strictObject({
  cidr: text((written) => prefixOf(4, written, "network.cidr6"), "10.86.0.0/24").optional(),
  cidr6: text((written) => prefixOf(6, written, "network.cidr"), "fd5c:10::/64").optional(),
  interface: text(parseInterface, "wg0").optional(),
  listenPort: number(parsePort, 51820).optional(),
  persistentKeepalive: number(parseKeepalive, 25).optional(),
  mtu: number(parseMtu, 1420).optional(),
  topology: oneOf("auto", "star").optional(),
  domain: text(parseDomain, "mesh.internal").optional(),
});

const nodeKeys = {
  address: text((written) => addressOf(4, written), "10.86.0.2"),
  address6: text((written) => addressOf(6, written), "fd5c:10::2").optional(),
  publicKey: text(parsePublicKey, "the line that `wg pubkey` prints"),
  nextPublicKey: text(parsePublicKey, "the line that `wg pubkey` prints").optional(),
  host: oneOrMore(parseHost, "admin@203.0.113.10").optional(),
  hostKey: oneOrMore(parseHostKey, '"ssh-ed25519 AAAA..."').optional(),
  endpoint: text(parseEndpoint, '"203.0.113.10:51820"').optional(),
  listenPort: number(parsePort, 51820).optional(),
  site: text(parseName, "office").optional(),
  siteEndpoint: text(parseEndpoint, '"192.168.1.2:51820"').optional(),
  subnets: listWithPairs<Subnet, "lan" | "as">(
    parsePrefix,
    ["lan", "as"],
    parseMappedLan,
    "192.168.10.0/24",
  ).optional(),
  masquerade: flag().optional(),
  persistentKeepalive: number(parseKeepalive, 25).optional(),
  mtu: number(parseMtu, 1420).optional(),
  tags: list(parseName, "admin").optional(),
  enabled: flag().optional(),
  expires: text(parseExpiry, '"2026-12-31"').optional(),
};

/** `ec2` has its own shape, in ec2-shape.ts, so that with a mistake in it the relay still counts as an ec2 relay. */
export const relayShape = z.strictObject({
  ...nodeKeys,
  rotationPort: number(parsePort, 51821).optional(),
  exit: flag().optional(),
  exitCheck: oneOrMore(parseAddress, "9.9.9.9").optional(),
  peersCidr: text((written) => prefixOf(4, written, "peersCidr6"), "10.86.1.0/24").optional(),
  peersCidr6: text((written) => prefixOf(6, written, "peersCidr"), "fd5c:10:0:1::/64").optional(),
  ec2: z.unknown().optional(),
});
export const peerShape = z.strictObject({
  ...nodeKeys,
  relay: text(parseName, "tokyo").optional(),
  routeAll: flag().optional(),
  blockIpv6: flag().optional(),
  dns: oneOrMore(parseAddress, "9.9.9.9").optional(),
});

export const expectShape = z.strictObject({
  from: text(parseName, "laptop"),
  to: text((written) => written, "desktop"),
  ports: oneOrMore(parsePorts, "tcp/443").optional(),
  reach: flag(),
});

const NOBODY = "list at least one, or remove the rule";

export const policyShape = z.strictObject({
  from: oneOrMore(parseSelector, "tag:admin", NOBODY),
  to: oneOrMore(parseSelector, "nas", NOBODY),
  ports: oneOrMore(
    parsePorts,
    "tcp/443",
    "list at least one; without ports, everything may be started",
  ).optional(),
});

export type RawNetwork = z.output<typeof networkShape>;
export type RawPeer = z.output<typeof peerShape>;
export type RawRelay = z.output<typeof relayShape>;
export type RawExpect = z.output<typeof expectShape>;
export type RawPolicyRule = z.output<typeof policyShape>;

/** `other`: the key of the other family. */
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
