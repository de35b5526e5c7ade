/** The wanted state of a host from a push request, to compare with an observation. */
import type { NodeNames, PushRequest } from "../push-request";
import { Secret } from "../secret";
import { storedRequest } from "./stored-request";
import { splitAt } from "./lines";
import { prefixOf } from "./prefixes";
import { keysIn, parseInterface, type PublicKeyOf, type WantedInterface } from "./wanted-interface";

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
  /** Names of the peers that still use a second interface that is not in the request (kept-second.ts). */
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
  /** `fixedPorts` if those relays are pushed to at the same time as this host (PushRequest.besideRelays); else empty. */
  relaysBeside: readonly string[];
  /** The nft(8) table as text; null: none. */
  filter: string | null;
  /** PushRequest.onlyWithFilter; null: the interface stays down without the filter. */
  onlyWithFilter: readonly string[] | null;
  /** PushRequest.mustAnswer */
  mustAnswer: readonly string[];
  /** Null: without a domain. */
  names: NodeNames | null;
  /** The keys of PushRequest.tunnelOnly */
  tunnelOnly: readonly string[];
  /** Their addresses by key, as prefixes of one address; empty for requests of older versions. */
  tunnelAddresses: ReadonlyMap<string, string>;
  /** PushRequest.followNames */
  followNames: boolean;
  /** No pings after the change: sessions would roam to an address that the host is about to lose. */
  isQuiet: boolean;
  /** The request in the form that the host stores for a rollback (stored-request.ts). */
  stored: Secret;
  /** Former addresses that peers keep; the watcher may remove them (former-addresses.ts). */
  former?: readonly FormerAddresses[];
  /** Addresses that either of two peers may have (moving-homes.ts). */
  homes?: readonly MovingHome[];
  /** The former port, which stays open for the peers with these keys (former-port.ts). */
  formerPort?: { port: number; keys: readonly string[]; relays: readonly string[] };
}

/** Former addresses that a peer keeps (former-addresses.ts). */
export interface FormerAddresses {
  /** The node's name; its key if it moves to another relay. */
  name: string;
  /** The peer's new address, as a prefix of one address. */
  address: string;
  /** The former addresses, in the same form. Not empty. */
  former: readonly string[];
  /** The public key that keeps them, of a peer that moves to another relay; absent: the peer with the new address. */
  key?: string;
}

/** An address that moves from one peer to another (moving-homes.ts). */
export interface MovingHome {
  /** A prefix of one address. */
  address: string;
  /** Public keys. */
  former: string;
  now: string;
}

/** `digest` is the PushResult.digest of the request. Throws for a request that wireguard-mesh did not render. */
export function wantedOf(request: PushRequest, digest: string, publicKeyOf: PublicKeyOf): Wanted {
  const { rotation, interface: name, config } = request;
  const alternate = rotation?.alternate ?? null;
  const main = parseInterface(name, config, keysIn(config, publicKeyOf));
  return {
    owner: request.owner,
    node: request.node,
    machine: request.machine,
    rivals: request.rivals ?? [],
    digest,
    main,
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
    relaysBeside: request.besideRelays === true ? (request.fixedPorts ?? []) : [],
    filter: request.filter ?? null,
    onlyWithFilter: request.onlyWithFilter ?? null,
    mustAnswer: request.mustAnswer ?? [],
    names: request.names ?? null,
    tunnelOnly: (request.tunnelOnly ?? []).map((line) => splitAt(line, " ")[0]),
    tunnelAddresses: addressesIn(request.tunnelOnly ?? []),
    followNames: request.followNames === true,
    isQuiet: false,
    stored: storedRequest(request, main.publicKey),
  };
}

/** By key, from lines `KEY ADDRESS`. */
function addressesIn(lines: readonly string[]): Map<string, string> {
  return new Map(
    lines.flatMap((line) => {
      const [key, address] = splitAt(line, " ");
      const prefix = prefixOf(address);
      return prefix === null ? [] : [[key, prefix.text] as const];
    }),
  );
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
