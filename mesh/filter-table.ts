/** The name of the nft table with the packet filter of an interface. */

/**
 * Family and name, as `inet wireguard-mesh-wg0`. `=` and `+` are valid in names of interfaces, but not
 * in nft(8), so they are escaped with `/`, which is not valid in names of interfaces.
 */
export function filterTable(name: string): string {
  return `inet wireguard-mesh-${name.replaceAll("=", "/e").replaceAll("+", "/p")}`;
}
