/** Single settings of imported files. */
import { addressIn, type Prefix } from "../addresses";
import { linkName } from "../config/link-keys";
import { Mistake } from "../config/mistake";
import type { Secret } from "../secret";
import type { Problem } from "../wg-quick/file";
import { mostFrequent } from "./most-frequent";
import type { ImportedNode } from "./nodes";

/** The preshared keys by link, with a problem for each link whose ends have different ones. */
export function presharedKeysOf(nodes: readonly ImportedNode[]) {
  const byLink = new Map<string, Secret>();
  const problems: Problem[] = [];
  const seen = new Map<string, { key: Secret | null; at: string }>();
  for (const node of nodes) {
    for (const { by, peer } of node.sections) {
      const link = linkName(node.name, by.name);
      const at = `${by.source?.file.source ?? by.name}:${peer.line}`;
      const key = peer.presharedKey;
      const other = seen.get(link);
      if (other !== undefined && other.key?.reveal() !== key?.reveal()) {
        const message = `the PresharedKey of ${link} is not the same as in ${other.at}, so this link cannot work`;
        problems.push({ at, message, remedy: "give both files the same one" });
      }
      seen.set(link, { key, at });
      if (key !== null) byLink.set(link, key);
    }
  }
  return { byLink, problems };
}

/** The most frequent keepalive for peers that the node dials; null if it dials none or has no file. */
export function keepaliveIn({ source }: ImportedNode): number | null {
  const all = (source?.file.peers ?? []).flatMap(({ endpoint, keepalive }) =>
    endpoint === null ? [] : [keepalive],
  );
  return mostFrequent(all);
}

export function masquerades({ source }: ImportedNode): boolean {
  return source?.file.hooks.some(({ effect }) => effect === "masquerade") === true;
}

export function sendsAllIpv6({ source }: ImportedNode): boolean {
  const sent: Prefix[] = source?.file.peers.flatMap(({ allowedIps }) => allowedIps) ?? [];
  return sent.some(({ family, length }) => family === 6 && length === 0);
}

export function isAddress(server: string): boolean {
  try {
    return addressIn(server) !== null;
  } catch (problem) {
    if (problem instanceof Mistake) return false;
    throw problem;
  }
}

export function oneOrAll(values: readonly string[]): unknown {
  return values.length === 1 ? values[0] : [...values];
}
