/** The name of the nftables table that this program owns on a host. */

/**
 * One table per WireGuard interface, in the family `inet`. nft(8) allows neither `=` nor `+` in a name, interface names may
 * have both, and they never have a `/`.
 */
export function filterTableName(interfaceName: string): string {
  return `wireguard-mesh-${interfaceName.replaceAll("=", "/e").replaceAll("+", "/p")}`;
}
