/** /etc/hosts of a model host, and the block of names in it. */
import type { Host } from "./host";

export const IFACE = "wg0";
export const HOSTS = "/etc/hosts";
export const NAMES = `/etc/wireguard-mesh/${IFACE}.hosts`;
const FIRST = `# wireguard-mesh ${IFACE} begin`;
const LAST = `# wireguard-mesh ${IFACE} end`;

/** Our block with the lines that mark it; without a last one there is none. */
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
