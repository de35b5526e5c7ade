/** The name of the nft table with the packet filter of an interface. */

/**
 * Family and name, as `inet wireguard-mesh-wg0`. An identifier of nft(8) takes neither `=` nor `+`, which names of interfaces
 * may have; it takes `/`, which they may not have.
 */
export function filterTable(name: string): string {
  return `inet wireguard-mesh-${name.replaceAll("=", "/e").replaceAll("+", "/p")}`;
}
