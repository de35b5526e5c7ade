/** What commands write into the stack file for a new node: free addresses, keys, and the given fields. */
import { randomBytes } from "node:crypto";
import { nextFree, parsePrefix, type IpAddress, type Prefix } from "../../mesh/addresses";
import { networkDefaults } from "../../mesh/config/draft";
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

/**
 * The next free tunnel addresses; those of disabled nodes are taken too. `also`: addresses that were allocated since.
 * @throws Failure when the network has none left.
 */
export function freeAddresses(config: RawConfig, also: readonly Addresses[] = []): Addresses {
  const { network, nodes } = readDraft(config, Date.now()).draft;
  const { cidr = parsePrefix(networkDefaults.cidr), cidr6 } = network;
  const given = also.flatMap(({ address, address6 }) => [address, ...(address6 ? [address6] : [])]);
  const taken = [
    ...nodes.flatMap(({ fields }) => [fields.address, fields.address6]),
    ...given.map((text): IpAddress => ({ family: text.includes(":") ? 6 : 4, text })),
  ].filter((address) => address !== undefined);
  return {
    address: free(cidr, taken),
    ...(cidr6 === undefined ? {} : { address6: free(cidr6, taken) }),
  };
}

function free(prefix: Prefix, taken: IpAddress[]): string {
  const address = nextFree(prefix, taken);
  if (address !== null) return address.text;
  throw new Failure(`${prefix.text} has no free address left`, "choose a larger network.cidr");
}

export interface KeyPair {
  privateKey: Secret;
  publicKey: string;
}

/** A new key pair, as `wg genkey` and `wg pubkey` make it. */
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

/** `host` and `hostKey` are one text, or a list where there are several. */
export function oneOrList(values: string[] | undefined): YamlValue | undefined {
  return values?.length === 1 ? values[0] : values;
}
