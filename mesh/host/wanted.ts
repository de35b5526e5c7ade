/** What a push request wants of a host, as data to compare with an observation. */
import { EXPIRY_COMMENT, ON_THIS_HOST, type NodeNames, type PushRequest } from "../push-request";
import { HIDDEN, Secret } from "../secret";
import { splitAt } from "./lines";
import { canonicalAddress, interfaceAddress, prefixOf } from "./prefixes";

export interface Wanted {
  /** `PROJECT/STACK` */
  owner: string;
  node: string;
  machine: string;
  rivals: readonly string[];
  /** PushResult.digest */
  digest: string;
  main: WantedInterface;
  /** A relay's second interface, without addresses and routes of its own; null if it has none. */
  second: WantedInterface | null;
  /** The second interface is not in the request, but left as it is for these peers (names): see kept-second.ts. */
  secondKeptFor?: readonly string[];
  forwarding: { ipv4: boolean; ipv6: boolean };
  /** Tunnel addresses to ping, relays first. */
  probes: readonly string[];
  /** Words `INSTANCE:KEY`. */
  instances: readonly string[];
  /** Neighbours with two keys that share the prefixes of the current one. */
  pairs: readonly { current: string; next: string }[];
  /** Public keys of peers that must complete a handshake. */
  mustShake: readonly string[];
  /** PushRequest.fixedPorts */
  fixedPorts: readonly string[];
  /** The nft(8) table as text; null: none. */
  filter: string | null;
  /** Null: without a domain. */
  names: NodeNames | null;
  /** PushRequest.tunnelOnly */
  tunnelOnly: readonly string[];
  /** PushRequest.followNames */
  followNames: boolean;
  /** Prefixes that peers have beyond the request; the watcher may have taken them away. See former-addresses.ts. */
  former?: readonly FormerAddresses[];
  /** Addresses that either of two peers may have: see moving-homes.ts. */
  homes?: readonly MovingHome[];
  /** A port that is served besides, for the peers with these keys: see former-port.ts. */
  formerPort?: { port: number; keys: readonly string[] };
}

/** What a peer keeps beyond the request (former-addresses.ts). */
export interface FormerAddresses {
  /** The node's name. */
  name: string;
  /** The peer's new address, as a prefix of one address. */
  address: string;
  /** The addresses before, in the same form. Not empty. */
  former: readonly string[];
}

/** An address that moves from one peer to another (moving-homes.ts). */
export interface MovingHome {
  /** A prefix of one address. */
  address: string;
  /** Public keys. */
  former: string;
  now: string;
}

export interface WantedInterface {
  name: string;
  /** The wg-quick(8) file as in the request. */
  text: Secret;
  publicKey: string;
  /** Null: only the host has it. */
  privateKey: Secret | null;
  /** `ADDRESS/LENGTH`, canonical. */
  addresses: readonly string[];
  /** Null: any. */
  listenPort: number | null;
  /** Null: the host's choice. */
  mtu: number | null;
  /** Whether allowed IPs become routes (`Table = off`: no). */
  routed: boolean;
  peers: readonly WantedPeer[];
}

export interface WantedPeer {
  /** The node's name. */
  name: string;
  publicKey: string;
  presharedKey: Secret | null;
  /** Canonical prefixes. */
  allowedIps: readonly string[];
  endpoint: WantedEndpoint | null;
  /** Seconds; 0: off. */
  keepalive: number;
  /** Seconds since 1970; null: never. */
  expires: number | null;
}

export interface WantedEndpoint {
  /** `HOST:PORT` as in the config. */
  text: string;
  /** A DNS name, or a canonical address (IPv6 without brackets). */
  host: string;
  isName: boolean;
  port: number;
}

/** The public key of a private key. An argument, because in JavaScript it costs a push 13 ms of CPU time (mesh/keys.ts). */
export type PublicKeyOf = (privateKey: Secret) => string;

/** `digest` is the PushResult.digest of the request. Throws for a request that wireguard-mesh did not render. */
export function wantedOf(request: PushRequest, digest: string, publicKeyOf: PublicKeyOf): Wanted {
  const { rotation, interface: name, config } = request;
  const alternate = rotation?.alternate ?? null;
  return {
    owner: request.owner,
    node: request.node,
    machine: request.machine,
    rivals: request.rivals ?? [],
    digest,
    main: parseInterface(name, config, keysIn(config, publicKeyOf)),
    second:
      alternate === null
        ? null
        : parseInterface(
            alternate.interface,
            alternate.config,
            keysIn(alternate.config, publicKeyOf),
          ),
    forwarding: request.forwarding,
    probes: request.probes,
    instances: request.instances ?? [],
    pairs: (rotation?.pairs ?? []).map(({ current, next }) => ({ current, next })),
    mustShake: rotation?.mustShake ?? [],
    fixedPorts: request.fixedPorts ?? [],
    filter: request.filter ?? null,
    names: request.names ?? null,
    tunnelOnly: request.tunnelOnly ?? [],
    followNames: request.followNames === true,
  };
}

export function interfacesOf({ main, second }: Wanted): WantedInterface[] {
  return second === null ? [main] : [main, second];
}

/** The names of the peers by public key, for messages. */
export function peerNames(wanted: Wanted): Map<string, string> {
  const peers = interfacesOf(wanted).flatMap((one) => one.peers);
  return new Map(peers.map(({ publicKey, name }) => [publicKey, name]));
}

/** Lines `INTERFACE<tab>PUBLICKEY<tab>PRESHAREDKEY`, for the host to compare with the running ones. */
export function presharedKeysOf(wanted: Wanted): Secret {
  const lines = interfacesOf(wanted).flatMap(({ name, peers }) =>
    peers.flatMap(({ publicKey, presharedKey }) =>
      presharedKey === null ? [] : [`${name}\t${publicKey}\t${presharedKey.reveal()}\n`],
    ),
  );
  return Secret.of(lines.join(""));
}

/** The DNS names in endpoints, without duplicates. */
export function namesOf(wanted: Wanted): string[] {
  const endpoints = interfacesOf(wanted).flatMap(({ peers }) =>
    peers.flatMap(({ endpoint }) => endpoint ?? []),
  );
  return [...new Set(endpoints.filter(({ isName }) => isName).map(({ host }) => host))];
}

/** Parses `HOST:PORT` of a config. */
export function parseWantedEndpoint(text: string): WantedEndpoint {
  const at = text.lastIndexOf(":");
  const host = text.slice(0, at).replace(/^\[|\]$/g, "");
  const address = canonicalAddress(host);
  return {
    text,
    host: address ?? host,
    isName: address === null,
    port: Number(text.slice(at + 1)),
  };
}

/** Secrets that are redacted in `config` are sealed. */
export function parseInterface(
  name: string,
  config: string,
  keys: Pick<WantedInterface, "publicKey" | "privateKey">,
): WantedInterface {
  const [head = "", ...sections] = config.split(/^\[Peer\]$/m);
  const settings = settingsIn(head);
  const number = (key: string) => (settings.has(key) ? Number(settings.get(key)) : null);
  return {
    name,
    text: Secret.of(config),
    ...keys,
    addresses: listIn(settings, "Address").flatMap((text) => interfaceAddress(text) ?? []),
    listenPort: number("ListenPort"),
    mtu: number("MTU"),
    routed: settings.get("Table") !== "off",
    peers: sections.map((section, at) => parsePeer(nameAbove(sections[at - 1] ?? head), section)),
  };
}

function keysIn(
  config: string,
  publicKeyOf: PublicKeyOf,
): Pick<WantedInterface, "publicKey" | "privateKey"> {
  const [, text = ""] = /^PrivateKey = (.*)$/m.exec(config) ?? [];
  if (text.startsWith(`${ON_THIS_HOST} `)) {
    return { publicKey: text.slice(ON_THIS_HOST.length + 1), privateKey: null };
  }
  const privateKey = Secret.of(text);
  return { publicKey: publicKeyOf(privateKey), privateKey };
}

function parsePeer(name: string | null, section: string): WantedPeer {
  const settings = settingsIn(section);
  const endpoint = settings.get("Endpoint");
  const presharedKey = settings.get("PresharedKey");
  const publicKey = settings.get("PublicKey") ?? "";
  return {
    name: name ?? publicKey,
    publicKey,
    presharedKey: presharedKey === undefined ? null : secretIn(presharedKey),
    allowedIps: listIn(settings, "AllowedIPs").flatMap((text) => prefixOf(text)?.text ?? []),
    endpoint: endpoint === undefined ? null : parseWantedEndpoint(endpoint),
    keepalive: Number(settings.get("PersistentKeepalive") ?? 0),
    expires: expiryIn(section),
  };
}

function expiryIn(section: string): number | null {
  const line = section.split("\n").find((it) => it.startsWith(EXPIRY_COMMENT));
  return line === undefined ? null : Date.parse(line.slice(EXPIRY_COMMENT.length)) / 1000;
}

/** A preshared key; sealed where the text hides it. */
function secretIn(text: string): Secret {
  return text === HIDDEN ? Secret.sealed() : Secret.of(text);
}

/** The last comment before a section is the node's name. Null for another line, which may be a secret. */
function nameAbove(text: string): string | null {
  const comment = text.trimEnd().split("\n").at(-1) ?? "";
  return comment.startsWith("# ") ? comment.slice(2).replace(/ \(next key\)$/, "") : null;
}

function settingsIn(section: string): Map<string, string> {
  const lines = section.split("\n").filter((line) => !line.startsWith("#") && line.includes(" = "));
  return new Map(lines.map((line) => splitAt(line, " = ")));
}

function listIn(settings: ReadonlyMap<string, string>, key: string): string[] {
  return (settings.get(key) ?? "").split(",").flatMap((text) => text.trim() || []);
}
