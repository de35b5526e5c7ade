/** /etc/hosts of a model host, and the block of names in it. */
import type { Host } from "./host";

export const IFACE = "wg0";
export const HOSTS = "/etc/hosts";
export const NAMES = `/etc/wireguard-mesh/${IFACE}.hosts`;
const FIRST = `# wireguard-mesh ${IFACE} begin`;
const LAST = `# wireguard-mesh ${IFACE} end`;

/** The block with its marker lines; without the last one there is no block. */
export function hostsBlock(text: string): string[] {
  const lines = text.split("\n");
  const last = lines.indexOf(LAST);
  const first = lines.lastIndexOf(FIRST, last);
  return first < 0 || last < first ? [] : lines.slice(first, last + 1);
}

/** Makes the block a copy of the file of names. Every other line stays where it is. */
export function writeHosts({ files }: Host): void {
  const text = files.get(HOSTS) ?? "";
  const former = hostsBlock(text);
  const rest = former.length === 0 ? text : text.replace(`${former.join("\n")}\n`, "");
  const names = files.get(NAMES);
  files.set(HOSTS, names === undefined ? rest : `${rest}${FIRST}\n${names}${LAST}\n`);
}

/** The file that cloud-init writes at every boot, where manage_etc_hosts is true. */
export const BY_CLOUD_INIT = "# manage_etc_hosts as True\n127.0.0.1 localhost\n";
export const NAMES_UNIT = `/etc/systemd/system/wireguard-mesh-names-${IFACE}.service`;
export const NAMES_LINK = `/etc/systemd/system/multi-user.target.wants/wireguard-mesh-names-${IFACE}.service`;

export const DNS_CONFIG = `/etc/wireguard-mesh/${IFACE}.dnsmasq.conf`;
export const DNS_UNIT = `/etc/systemd/system/wireguard-mesh-dns-${IFACE}.service`;
export const DNS_LINK = `/etc/systemd/system/multi-user.target.wants/wireguard-mesh-dns-${IFACE}.service`;

/** dnsmasq(8) reads names again on SIGHUP, and its settings only when it starts. */
export function dnsStep(host: Host, verb: string): void {
  const config = host.files.get(DNS_CONFIG);
  const names = host.files.get(NAMES) ?? "";
  if (verb === "stop") host.dns = null;
  else if (verb === "reload" && host.dns !== null) host.dns.names = names;
  else if (verb === "restart" && config !== undefined) host.dns = { config, names };
}
