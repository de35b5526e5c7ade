/** Infers from imported files which nodes are relays, their tunnel addresses, and the LANs behind them. */
import {
  contains,
  enclosing,
  encloses,
  parseAddress,
  parsePrefix,
  type IpAddress,
  type Prefix,
} from "../addresses";
import type { Problem } from "../wg-quick/file";
import { mostFrequent } from "./most-frequent";
import type { ImportedNode, Section } from "./nodes";

/** The prefixes of the tunnel. */
export interface Tunnels {
  cidr: Prefix;
  cidr6: Prefix | null;
}

/** The tunnel addresses of a node. */
export interface TunnelAddresses {
  address: IpAddress | null;
  address6: IpAddress | null;
}

/** `given` are the prefixes from the command line. Null if no file contains an IPv4 prefix. */
export function tunnelsOf(
  nodes: readonly ImportedNode[],
  given: { cidr?: string | undefined; cidr6?: string | undefined },
): Tunnels | null {
  const prefixOf = (family: 4 | 6): Prefix | null => {
    const written = family === 4 ? given.cidr : given.cidr6;
    if (written !== undefined) return parsePrefix(written);
    return (
      commonPrefix(fromAddresses(nodes, family)) ?? commonPrefix(fromAllowedIps(nodes, family))
    );
  };
  const cidr = prefixOf(4);
  return cidr === null ? null : { cidr, cidr6: prefixOf(6) };
}

function fromAddresses(nodes: readonly ImportedNode[], family: 4 | 6): Prefix[] {
  const addresses = nodes.flatMap(({ source }) => source?.file.addresses ?? []);
  return addresses
    .filter((address) => address.family === family && address.length < (family === 4 ? 32 : 128))
    .map((address) => enclosing(address, address.length));
}

/** For files whose addresses have no prefix length: allowed IPs that contain the node's own address. */
function fromAllowedIps(nodes: readonly ImportedNode[], family: 4 | 6): Prefix[] {
  return nodes.flatMap(({ source }) => {
    const own = source?.file.addresses.filter((address) => address.family === family) ?? [];
    const sent = source?.file.peers.flatMap(({ allowedIps }) => allowedIps) ?? [];
    return sent.filter(({ length, ...prefix }) =>
      own.some((address) => length >= 8 && contains({ length, ...prefix }, address)),
    );
  });
}

/** The widest one if several are equally frequent. */
function commonPrefix(prefixes: readonly Prefix[]): Prefix | null {
  const widestFirst = prefixes.toSorted((a, b) => a.length - b.length);
  const most = mostFrequent(widestFirst.map(({ text }) => text));
  return widestFirst.find(({ text }) => text === most) ?? null;
}

/** The tunnel addresses of a node, with a problem unless it has exactly one IPv4 address and at most one IPv6 address. */
export function placeOf(
  node: ImportedNode,
  tunnels: Tunnels,
): TunnelAddresses & { problems: Problem[] } {
  const { source, known, sections, name } = node;
  const recorded = known?.address ?? null;
  const own: IpAddress[] =
    source?.file.addresses ??
    (recorded === null
      ? sections.flatMap(({ peer }) => peer.allowedIps.flatMap(singleAddress))
      : [parseAddress(recorded)]);
  const inside = (prefix: Prefix | null) => [
    ...new Map(
      own
        .filter((address) => prefix !== null && contains(prefix, address))
        .map((address) => [address.text, address] as const),
    ).values(),
  ];
  const [four, six] = [inside(tunnels.cidr), inside(tunnels.cidr6)];
  const outside = source === null ? [] : own.filter((it) => ![...four, ...six].includes(it));
  const at = source?.file.source ?? name;
  const problems: Problem[] = [];
  if (four.length === 0) {
    const message = `${name} has no address in ${tunnels.cidr.text}`;
    const remedy =
      source === null
        ? "give its own file too, or read its machine: --host USER@ADDRESS"
        : "give the tunnel's prefix with --cidr";
    problems.push({ at, message, remedy });
  }
  if (four.length > 1 || six.length > 1 || outside.length > 0) {
    const all = own.map(({ text }) => text).join(", ");
    const message = `${name} has more addresses than one of each family in the tunnel: ${all}`;
    problems.push({
      at,
      message,
      remedy: "a node has one: remove the others, or make it two nodes",
    });
  }
  return { address: four[0] ?? null, address6: six[0] ?? null, problems };
}

function singleAddress({ family, length, text }: Prefix): IpAddress[] {
  const isOne = length === (family === 4 ? 32 : 128);
  return isOne ? [{ family, text: text.slice(0, text.indexOf("/")) }] : [];
}

/** The roles of nodes, inferred from the allowed IPs in peer sections. */
export class Roles {
  private readonly byKey: ReadonlyMap<string, ImportedNode>;
  /** The allowed IPs in a node's own file, by the peer's key. */
  private readonly allowedIpsByKey: ReadonlyMap<ImportedNode, ReadonlyMap<string, string[]>>;
  /** Cache of nodesIn: for each family and length, the nodes with an address in a prefix, by its text. */
  private readonly nodesByPrefixText = new Map<string, Map<string, { node: ImportedNode }[]>>();

  constructor(
    private readonly nodes: readonly ImportedNode[],
    private readonly places: ReadonlyMap<ImportedNode, TunnelAddresses>,
    private readonly tunnels: Tunnels,
  ) {
    this.byKey = new Map(nodes.map((node) => [node.publicKey, node]));
    this.allowedIpsByKey = new Map(nodes.map((node) => [node, prefixesByKey(node)]));
  }

  /**
   * Whether other nodes route the addresses of further nodes to this one. If none of its peers has a file: whether it has a
   * listen port, and a peer without an endpoint.
   */
  isRelay(node: ImportedNode): boolean {
    if (node.sections.some((section) => this.routesToOthers(node, section))) return true;
    if (node.source === null || node.sections.length > 0) return false;
    const { listenPort, peers } = node.source.file;
    const isAlone = peers.every(({ publicKey }) => this.byKey.get(publicKey)?.source === null);
    return isAlone && listenPort !== null && peers.some(({ endpoint }) => endpoint === null);
  }

  /** Whether the section routes addresses of other nodes to the node. */
  private routesToOthers(node: ImportedNode, { by, peer }: Section): boolean {
    return peer.allowedIps.some((prefix) => {
      if (prefix.length === 0 || this.containsTunnel(prefix)) return true;
      const isOther = (other: ImportedNode) => other !== node && other !== by;
      return (
        this.nodesIn(prefix).some(isOther) ||
        this.nodes.some(
          (other) => isOther(other) && this.allowedIpsOf(node, other).includes(prefix.text),
        )
      );
    });
  }

  /** The prefixes that other nodes route to a node, without those that it routes on to others. */
  lansOf(node: ImportedNode): Prefix[] {
    const others = this.nodes.filter((other) => other !== node);
    const passedOn = new Set(others.flatMap((other) => this.allowedIpsOf(node, other)));
    const all = node.sections.flatMap(({ peer }) => peer.allowedIps);
    const hasIpv6 = (this.places.get(node)?.address6 ?? null) !== null;
    const lans = all.filter(
      (prefix) =>
        prefix.length > 0 &&
        (prefix.family === 4 || hasIpv6) &&
        !this.isInTunnel(prefix) &&
        !this.containsTunnel(prefix) &&
        !passedOn.has(prefix.text),
    );
    return [...new Map(lans.map((prefix) => [prefix.text, prefix])).values()];
  }

  /** Whether the section sends everything to the node. */
  static sendsAll({ peer }: Section): boolean {
    return peer.allowedIps.some(({ length, family }) => length === 0 && family === 4);
  }

  private nodesIn({ family, length, text }: Prefix): ImportedNode[] {
    const key = `${family} ${length}`;
    const known = this.nodesByPrefixText.get(key) ?? this.nodesByPrefix(family, length);
    this.nodesByPrefixText.set(key, known);
    return (known.get(text) ?? []).map(({ node }) => node);
  }

  private nodesByPrefix(family: 4 | 6, length: number) {
    const all = [...this.places].flatMap(([node, { address, address6 }]) =>
      [address, address6].flatMap((one) =>
        one?.family === family ? [{ node, text: enclosing(one, length).text }] : [],
      ),
    );
    return Map.groupBy(all, ({ text }) => text);
  }

  private allowedIpsOf(node: ImportedNode, { publicKey }: ImportedNode): string[] {
    return this.allowedIpsByKey.get(node)?.get(publicKey) ?? [];
  }

  private containsTunnel(prefix: Prefix): boolean {
    const { cidr, cidr6 } = this.tunnels;
    return encloses(prefix, cidr) || (cidr6 !== null && encloses(prefix, cidr6));
  }

  private isInTunnel(prefix: Prefix): boolean {
    const { cidr, cidr6 } = this.tunnels;
    return encloses(cidr, prefix) || (cidr6 !== null && encloses(cidr6, prefix));
  }
}

/** The allowed IPs in the node's own file, by peer. The first section counts if a key has several. */
function prefixesByKey({ source }: ImportedNode): Map<string, string[]> {
  const peers = source?.file.peers ?? [];
  return new Map(
    peers
      .toReversed()
      .map(({ publicKey, allowedIps }) => [publicKey, allowedIps.map(({ text }) => text)]),
  );
}
