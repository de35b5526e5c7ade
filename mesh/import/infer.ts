/** Infers stack config from imported files. */
import { compareAddresses } from "../addresses";
import { networkDefaults } from "../config/shapes";
import { linkName } from "../config/link-keys";
import type { Secret } from "../secret";
import type { Problem } from "../wg-quick/file";
import { Dialling } from "./dialling";
import type { Fields } from "./fields";
import { exitWithoutHost, firewallNotes, hooksWithoutHost } from "./hooks";
import type { ImportedNode } from "./nodes";
import { isAddress, masquerades, oneOrAll, presharedKeysOf, sendsAllIpv6 } from "./settings";
import { placeOf, Roles, tunnelsOf, type TunnelAddresses, type Tunnels } from "./roles";

export interface InferOptions {
  cidr?: string | undefined;
  cidr6?: string | undefined;
  /** The endpoint of a relay without one in any file. */
  endpoint?: string | undefined;
}

export interface Inferred {
  network: Fields;
  relays: Record<string, Fields>;
  peers: Record<string, Fields>;
  privateKeys: Map<string, Secret>;
  /** By link. */
  presharedKeys: Map<string, Secret>;
  /** Assumptions that no file confirms. */
  notes: string[];
  problems: Problem[];
}

export function infer(nodes: readonly ImportedNode[], options: InferOptions): Inferred {
  const nothing = { network: {}, relays: {}, peers: {}, privateKeys: new Map(), notes: [] };
  const tunnels = tunnelsOf(nodes, options);
  if (tunnels === null) {
    const message =
      "no file has an IPv4 address with a prefix length, so the tunnel's prefix is not known";
    const remedy = "give it: --cidr 10.8.0.0/24; or give the relay's own file too, or --host";
    return {
      ...nothing,
      presharedKeys: new Map(),
      problems: [{ at: "the network", message, remedy }],
    };
  }
  const keys = presharedKeysOf(nodes);
  const found = nodes.map((node) => [node, placeOf(node, tunnels)] as const);
  const problems = [...found.flatMap(([, { problems }]) => problems), ...keys.problems];
  const network = new Network(nodes, new Map(found), tunnels, options);
  return {
    network: network.fields(),
    relays: network.nodesAs("relay"),
    peers: network.nodesAs("peer"),
    privateKeys: new Map(
      nodes.flatMap(({ name, privateKey }) => (privateKey === null ? [] : [[name, privateKey]])),
    ),
    presharedKeys: new Map([...keys.byLink, ...network.recordedKeys()]),
    notes: network.notes(),
    problems: [...problems, ...network.problems()],
  };
}

class Network {
  private readonly roles: Roles;
  private readonly relays: ImportedNode[];
  private readonly dialling: Dialling;

  constructor(
    private readonly nodes: readonly ImportedNode[],
    private readonly places: ReadonlyMap<ImportedNode, TunnelAddresses>,
    private readonly tunnels: Tunnels,
    options: InferOptions,
  ) {
    this.roles = new Roles(nodes, places, tunnels);
    this.relays = nodes.filter((node) => this.roles.isRelay(node));
    this.dialling = new Dialling(nodes, this.relays, options.endpoint ?? null);
  }

  fields(): Fields {
    const { cidr, cidr6 } = this.tunnels;
    const name = this.interfaces()[0];
    const keepalive = this.dialling.usualKeepalive();
    const mtu = this.sameMtu();
    return {
      cidr: cidr.text,
      ...(cidr6 === null ? {} : { cidr6: cidr6.text }),
      ...(name === undefined || name === networkDefaults.interface ? {} : { interface: name }),
      ...(keepalive === networkDefaults.persistentKeepalive
        ? {}
        : { persistentKeepalive: keepalive }),
      ...(mtu === null ? {} : { mtu }),
    };
  }

  nodesAs(kind: "relay" | "peer"): Record<string, Fields> {
    const isRelay = kind === "relay";
    const all = this.nodes.filter((node) => this.relays.includes(node) === isRelay);
    return Object.fromEntries(all.map((node) => [node.name, this.fieldsOf(node, isRelay)]));
  }

  /** Preshared keys from wg-easy's record, for clients in no file. */
  recordedKeys(): [link: string, key: Secret][] {
    return this.nodes.flatMap((node) => {
      const key = node.known?.presharedKey ?? null;
      const home = this.homeOf(node);
      if (key === null || home === undefined || node.sections.length > 0) return [];
      return [[linkName(node.name, home.name), key]];
    });
  }

  notes(): string[] {
    return [...this.assumedDevices(), ...this.nodes.flatMap(firewallNotes)];
  }

  private assumedDevices(): string[] {
    const taken = this.nodes.filter((node) => node.source === null && this.sendsAll(node));
    if (taken.length === 0) return [];
    const names = taken.map(({ name }) => name).join(", ");
    return [
      `${names}: without a file of its own, taken as a device that sends everything (routeAll) through its relay, which translates addresses`,
    ];
  }

  problems(): Problem[] {
    const names = this.interfaces();
    const several =
      names.length < 2
        ? []
        : [
            {
              at: "the network",
              message: `the hosts have different interface names: ${names.join(", ")}`,
              remedy:
                "a network has one name on all its hosts: import them as two stacks, or rename one",
            },
          ];
    const exits = this.relays.filter((relay) => this.isExit(relay));
    return [...several, ...this.nodes.flatMap(hooksWithoutHost), ...exits.flatMap(exitWithoutHost)];
  }

  private fieldsOf(node: ImportedNode, isRelay: boolean): Fields {
    const { address = null, address6 = null } = this.places.get(node) ?? {};
    const { source, known, publicKey } = node;
    const host = source?.host ?? null;
    const mtu = source?.file.mtu ?? null;
    const endpoint = this.dialling.endpointOf(node);
    const lans = this.roles.lansOf(node).map(({ text }) => text);
    return {
      address: address?.text ?? "",
      ...(address6 === null ? {} : { address6: address6.text }),
      publicKey,
      ...(host === null
        ? {}
        : {
            host: host.host,
            ...(host.hostKeys.length === 0 ? {} : { hostKey: oneOrAll(host.hostKeys) }),
          }),
      ...(endpoint === null ? {} : { endpoint }),
      ...this.dialling.listenPortOf(node),
      ...(lans.length === 0 ? {} : { subnets: lans }),
      ...this.translation(node, isRelay, lans.length > 0),
      ...this.dialling.keepaliveOf(node),
      ...(mtu === null || this.sameMtu() !== null ? {} : { mtu }),
      ...(isRelay ? {} : this.fieldsOfPeer(node)),
      ...(known?.enabled === false ? { enabled: false } : {}),
    };
  }

  private fieldsOfPeer(node: ImportedNode): Fields {
    const { source, known } = node;
    const home = this.homeOf(node);
    const first = this.relays.toSorted((a, b) =>
      compareAddresses(this.addressOf(a), this.addressOf(b)),
    )[0];
    const servers = (source?.file.dns ?? []).filter(isAddress);
    const isDevice = source !== null && source.host === null;
    return {
      ...(home === undefined || home === first ? {} : { relay: home.name }),
      ...(this.sendsAll(node) ? { routeAll: true } : {}),
      ...(this.sendsAll(node) &&
      source !== null &&
      (this.places.get(node)?.address6 ?? null) === null &&
      sendsAllIpv6(node)
        ? { blockIpv6: true }
        : {}),
      ...(isDevice && servers.length > 0 ? { dns: oneOrAll(servers) } : {}),
      ...(source === null && this.sendsAll(node) ? known?.fields : {}),
    };
  }

  private addressOf(node: ImportedNode) {
    return this.places.get(node)?.address ?? { family: 4 as const, text: "255.255.255.255" };
  }

  /** The relay to which the node routes the widest prefix. */
  private homeOf(node: ImportedNode): ImportedNode | undefined {
    const sentTo = (relay: ImportedNode) =>
      relay.sections.find(({ by }) => by === node)?.peer.allowedIps ?? [];
    const linked = this.relays.filter(
      (relay) => sentTo(relay).length > 0 || node.sections.some(({ by }) => by === relay),
    );
    // A disabled client is only in wg-easy's record.
    if (linked.length === 0 && node.known !== null) return this.relays[0];
    const widest = (relay: ImportedNode) =>
      Math.min(...sentTo(relay).map(({ length }) => length), 129);
    return linked.toSorted((a, b) => widest(a) - widest(b))[0];
  }

  /** According to its own file; without one, if its relay masquerades and has no LANs. */
  private sendsAll(node: ImportedNode): boolean {
    if (this.relays.includes(node)) return false;
    const home = this.homeOf(node);
    if (home === undefined) return false;
    if (node.source === null) return masquerades(home) && this.roles.lansOf(home).length === 0;
    return home.sections.some((section) => section.by === node && Roles.sendsAll(section));
  }

  private translation(node: ImportedNode, isRelay: boolean, hasLans: boolean): Fields {
    if (isRelay && this.isExit(node))
      return { exit: true, ...(hasLans && masquerades(node) ? { masquerade: true } : {}) };
    return hasLans && masquerades(node) ? { masquerade: true } : {};
  }

  private isExit(relay: ImportedNode): boolean {
    return this.nodes.some((peer) => this.sendsAll(peer) && this.homeOf(peer) === relay);
  }

  private sameMtu(): number | null {
    const all = this.nodes.flatMap(({ source }) => (source === null ? [] : [source.file.mtu]));
    const [first = null] = all;
    return all.every((mtu) => mtu === first) ? first : null;
  }

  /** The interface names of the hosts, without duplicates. */
  private interfaces(): string[] {
    const all = this.nodes.flatMap(({ source }) =>
      source === null || source.host === null ? [] : [source.interface],
    );
    return [...new Set(all)];
  }
}
