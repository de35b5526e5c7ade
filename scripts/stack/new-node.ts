/** The values of a new node in the stack file: free addresses, keys, and the given fields. */
import { randomBytes } from "node:crypto";
import {
  nextFree,
  parsePrefix,
  reservedAddresses,
  type IpAddress,
  type Prefix,
} from "../../mesh/addresses";
import { homeOf, rangesOf } from "../../mesh/config/draft";
import { networkDefaults } from "../../mesh/config/shapes";
import { readDraft, type RawConfig } from "../../mesh/config/read-draft";
import { encodeKey } from "../../mesh/key-text";
import { privateKeyFrom, publicKeyOf } from "../../mesh/keys";
import { Secret } from "../../mesh/secret";
import { Failure } from "./failure";
import type { YamlValue } from "./yaml-text";

export interface Addresses {
  address: string;
  /** Absent in a network without IPv6. */
  address6?: string;
}

/** The node that needs addresses, with those that it already has. `relay`: a peer's home relay as in the config. */
interface NewNode extends Partial<Addresses> {
  kind: "relay" | "peer";
  relay?: unknown;
}

/**
 * The next free tunnel addresses: for a peer, in its home relay's range, if it has one; for all others, outside the ranges, if
 * possible. Addresses of disabled nodes are not free. `also`: addresses that are not in the config yet.
 * @throws Failure when none is left.
 */
export function freeAddresses(
  config: RawConfig,
  { kind, relay, address, address6 }: NewNode,
  also: readonly Addresses[] = [],
): Addresses {
  const { draft } = readDraft(config, Date.now());
  const { network, nodes } = draft;
  const { cidr = parsePrefix(networkDefaults.cidr), cidr6 } = network;
  const fields = typeof relay === "string" ? { relay } : {};
  const home = homeOf({ kind, fields }, draft);
  const given = also.flatMap((one) => [one.address, ...(one.address6 ? [one.address6] : [])]);
  const taken = [
    ...nodes.flatMap(({ fields }) => [fields.address, fields.address6]),
    ...given.map((text): IpAddress => ({ family: text.includes(":") ? 6 : 4, text })),
  ].filter((address) => address !== undefined);
  const free = (whole: Prefix, key: "peersCidr" | "peersCidr6") => {
    const range = nodes.find(({ kind, name }) => kind === "relay" && name === home)?.fields[key];
    return range === undefined
      ? freeOutside(nodes.flatMap(rangesOf), whole, taken)
      : freeInRange(range, whole, taken, `relays.${home ?? ""}.${key}`);
  };
  const six = address6 ?? (cidr6 === undefined ? undefined : free(cidr6, "peersCidr6"));
  return {
    address: address ?? free(cidr, "peersCidr"),
    ...(six === undefined ? {} : { address6: six }),
  };
}

function freeOutside(ranges: Prefix[], whole: Prefix, taken: IpAddress[]): string {
  const address = nextFree(whole, taken, ranges) ?? nextFree(whole, taken);
  if (address !== null) return address.text;
  throw new Failure(`${whole.text} has no free address left`, "choose a larger network.cidr");
}

function freeInRange(range: Prefix, whole: Prefix, taken: IpAddress[], path: string): string {
  const address = nextFree(range, [...taken, ...reservedAddresses(whole)]);
  if (address !== null) return address.text;
  throw new Failure(
    `${range.text} (${path}) has no free address left`,
    `choose a larger ${path}, or an address elsewhere with --address and --address6`,
  );
}

export interface KeyPair {
  privateKey: Secret;
  publicKey: string;
}

/** A new key pair, like those of `wg genkey` and `wg pubkey`. */
export function makeKeyPair(): KeyPair {
  const privateKey = privateKeyFrom(randomBytes(32));
  return { privateKey, publicKey: publicKeyOf(privateKey) };
}

/** 32 random bytes in base64, as `wg genpsk` prints them. */
export function makeSeed(): Secret {
  return Secret.of(encodeKey(randomBytes(32)));
}

/** The fields that are not undefined, in the same order. */
export function givenFields(
  fields: Record<string, YamlValue | undefined>,
): Record<string, YamlValue> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** A single text instead of a list of one, for `host` and `hostKey`. */
export function oneOrList(values: string[] | undefined): YamlValue | undefined {
  return values?.length === 1 ? values[0] : values;
}
