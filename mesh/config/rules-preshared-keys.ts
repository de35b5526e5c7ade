/** Rules about preshared keys of single links: each link exists, is listed once, and has a valid, encrypted key. */
import { decodeKey } from "../key-text";
import type { Secret } from "../secret";
import type { Draft } from "./draft";
import { error, type Issue } from "./issue";
import { linkedNodes, linkName } from "./link-keys";
import { notEncrypted } from "./rules-secrets";
import { printable } from "./shape-issues";

const KEY = "presharedKeys";

export function presharedKeyIssues({ nodes, secrets }: Draft): Issue[] {
  const entries = secrets.presharedKeys;
  if (entries === "all") {
    const message = "is encrypted as a whole, which hides the links that have a key";
    return [error(KEY, message, `encrypt each key by itself: ${commandFor("LAPTOP/TOKYO")}`)];
  }
  const names = new Set(nodes.map(({ name }) => name));
  const seen = new Map<string, string>();
  return [...entries].flatMap(([entry, key]) => {
    const path = `${KEY}.${printableEntry(entry)}`;
    const linked = linkedNodes(entry);
    if (linked === null) {
      const remedy = `write the names of its two nodes: ${KEY}: { laptop/tokyo: ... }`;
      return [error(path, "is not the name of a link", remedy)];
    }
    const unknown = linked.find((name) => !names.has(name));
    if (unknown !== undefined) {
      const message = `there is no node ${printable(unknown)}`;
      return [error(path, message, "correct its name, or remove this line from the stack file")];
    }
    const link = linkName(...linked);
    const first = seen.get(link);
    seen.set(link, entry);
    if (first !== undefined)
      return [error(path, `is the same link as ${KEY}.${first}`, "remove one of the two")];
    return keyIssues(path, entry, key);
  });
}

function keyIssues(path: string, entry: string, key: Secret | null): Issue[] {
  if (key === null) return [notEncrypted(path)];
  if (key.isSealed) return [];
  const bytes = decodeKey(key.reveal());
  if (bytes === null) {
    const remedy = `a key is what \`wg genpsk\` prints; set it with: ${commandFor(entry)}`;
    return [error(path, "is not a WireGuard key", remedy)];
  }
  if (bytes.some((byte) => byte !== 0)) return [];
  return [
    error(
      path,
      "is the all-zero key, which means none",
      `make one: wg genpsk | ${commandFor(entry)}`,
    ),
  ];
}

function commandFor(entry: string): string {
  return `npx pulumi config set --secret --path wireguard-mesh:${KEY}.${entry}`;
}

function printableEntry(entry: string): string {
  return linkedNodes(entry)?.map(printable).join("/") ?? printable(entry);
}
