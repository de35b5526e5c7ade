/** Collects the nodes in the files of an existing network: one for each public key, with everything known about it. */
import { publicKeyOf } from "../keys";
import type { Secret } from "../secret";
import { labelOf } from "../wg-quick/comments";
import type { Problem, QuickPeer, WgQuickFile } from "../wg-quick/file";

/** A file with the facts that are not in its text. */
export interface Source {
  file: WgQuickFile;
  /** From the name of the file, its folder or its host; null if that is a generic name. */
  name: string | null;
  /** The interface name, from the file name. */
  interface: string;
  /** How to log in to its machine; null: it is not pushed to. */
  host: { host: string; hostKeys: readonly string[] } | null;
}

/** A node in the record of another program, beside the files: wg-easy's clients. */
export interface KnownNode {
  publicKey: string;
  name: string;
  privateKey: Secret | null;
  /** Null: the address in the other nodes' files applies. */
  address: string | null;
  enabled: boolean;
  presharedKey: Secret | null;
  /** Config that the program gives to devices; used if the device's file is missing. */
  fields: Readonly<Record<string, unknown>>;
}

/** A peer section, and the node in whose file it is. */
export interface Section {
  by: ImportedNode;
  peer: QuickPeer;
}

export interface ImportedNode {
  publicKey: string;
  name: string;
  source: Source | null;
  known: KnownNode | null;
  privateKey: Secret | null;
  /** The sections for it in the files of other nodes. */
  sections: Section[];
}

interface Gathered {
  /** Sorted by name. */
  nodes: ImportedNode[];
  problems: Problem[];
}

/** Files without a private key are left out; the parser has named them. */
export function gatherNodes(sources: readonly Source[], known: readonly KnownNode[]): Gathered {
  const nodes = new Map<string, ImportedNode>();
  const problems: Problem[] = [];
  const nodeOf = (publicKey: string): ImportedNode => {
    const nothing = { name: "", source: null, known: null, privateKey: null };
    const node = nodes.get(publicKey) ?? { publicKey, ...nothing, sections: [] };
    nodes.set(publicKey, node);
    return node;
  };
  for (const source of sources) {
    const { privateKey } = source.file;
    if (privateKey === null) continue;
    const node = nodeOf(publicKeyOf(privateKey));
    if (node.source !== null) {
      const message = `has the private key that ${node.source.file.source} has: it is the same node`;
      const remedy =
        "give one of the two; where two machines share a key, give one a key of its own";
      problems.push({ at: source.file.source, message, remedy });
      continue;
    }
    node.source = source;
    node.privateKey = privateKey;
  }
  for (const one of known) {
    const node = nodeOf(one.publicKey);
    node.known = one;
    node.privateKey ??= one.privateKey;
  }
  for (const by of [...nodes.values()]) {
    for (const peer of by.source?.file.peers ?? [])
      nodeOf(peer.publicKey).sections.push({ by, peer });
  }
  assignNames([...nodes.values()]);
  return { nodes: [...nodes.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), problems };
}

/** Names each node by its first candidate. Of equal names, the later ones get a number. */
function assignNames(nodes: readonly ImportedNode[]): void {
  const taken = new Set<string>();
  const hasOwnName = (node: ImportedNode) =>
    node.known !== null || (node.source?.name ?? null) !== null;
  // A node's own name takes precedence over one from another node's file.
  for (const node of [...nodes].sort((a, b) => Number(hasOwnName(b)) - Number(hasOwnName(a)))) {
    const wanted = nameOf(node);
    node.name = wanted;
    for (let at = 2; taken.has(node.name); at++) node.name = `${wanted.slice(0, 60)}-${at}`;
    taken.add(node.name);
  }
}

function nameOf({ known, source, sections, publicKey }: ImportedNode): string {
  const names = [
    known?.name,
    source?.name,
    source?.file.name,
    ...sections.map(({ peer }) => peer.name),
    ...sections.map(({ peer }) => hostLabel(peer)),
    ...sections.map(({ peer }) => addressName(peer)),
    `peer-${publicKey.slice(0, 6)}`,
  ];
  return (
    names.flatMap((name) => ((name ?? null) === null ? [] : (labelOf(name ?? "") ?? []))).at(0) ??
    "peer"
  );
}

/** `vpn` of `vpn.example.org`; null for an address. */
function hostLabel({ endpoint }: QuickPeer): string | null {
  if (endpoint === null || /^[\d.]+$|:/.test(endpoint.host)) return null;
  return endpoint.host.split(".")[0] ?? null;
}

function addressName({ allowedIps }: QuickPeer): string | null {
  const [own] = allowedIps;
  return own === undefined || own.length === 0 ? null : `peer-${own.text.replace(/\/.*/, "")}`;
}
