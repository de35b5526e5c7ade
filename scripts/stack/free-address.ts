/** The next free tunnel addresses, over all nodes: relays, peers, and those that take no part just now. */
import { nextFree, parsePrefix, type IpAddress, type Prefix } from "../../mesh/addresses";
import { networkDefaults, type Draft } from "../../mesh/config/draft";
import { Failure } from "./failure";

export interface Addresses {
  address: string;
  /** Only where the network has IPv6 addresses. */
  address6?: string;
}

/** `also` are addresses that were given out meanwhile. */
export function freeAddresses(draft: Draft, also: readonly Addresses[] = []): Addresses {
  const { cidr = parsePrefix(networkDefaults.cidr), cidr6 } = draft.network;
  const given = also.flatMap(({ address, address6 }) => [address, ...(address6 ? [address6] : [])]);
  const taken = [
    ...draft.nodes.flatMap(({ fields }) => [fields.address, fields.address6]),
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
