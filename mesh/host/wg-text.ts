/** Text for `wg addconf` (wg(8)), which keeps all settings that are not in the text, except a peer's allowed IPs. */
import { ON_THIS_HOST } from "../push-request";
import { Secret } from "../secret";
import type { LiveStep } from "./change";
import { resolve } from "./endpoints";
import type { Observation } from "./observation";
import type { WantedInterface, WantedPeer } from "./wanted-interface";
import { formatNumericEndpoint, type WireGuardPeer } from "./wireguard-state";

/** Null: unchanged. A plain text is a placeholder that the host replaces by the key. */
export interface InterfaceSection {
  privateKey: Secret | string | null;
  listenPort: number | null;
  /** As `0xca6c`, or `off`. */
  mark?: string | null;
}

export interface PeerSection {
  publicKey: string;
  /** Null: unchanged. A plain text is a placeholder or NO_KEY. */
  presharedKey: Secret | string | null;
  allowedIps: readonly string[];
  /** Seconds; 0: off. */
  keepalive: number;
  /** `ADDRESS:PORT`; null: unchanged. */
  endpoint: string | null;
}

/** Placeholder for a key of the running interface before the change; the host fills it in. */
export const KEY_OF_NOW = "(now)";

/** All zeros: removes a key (wg(8), set). */
export const NO_KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

export const UNCHANGED: InterfaceSection = { privateKey: null, listenPort: null };

/** No step if there is nothing to set. */
export function wgStep(
  name: string,
  { privateKey, listenPort, mark = null }: InterfaceSection,
  peers: readonly PeerSection[],
): LiveStep[] {
  const own = [
    ...(privateKey === null ? [] : [`PrivateKey = ${keyText(privateKey, name)}`]),
    ...(listenPort === null ? [] : [`ListenPort = ${listenPort}`]),
    ...(mark === null ? [] : [`FwMark = ${mark}`]),
  ];
  if (own.length === 0 && peers.length === 0) return [];
  const lines = [
    ...(own.length === 0 ? [] : ["[Interface]", ...own]),
    ...peers.flatMap((peer) => peerLines(peer, name)),
  ];
  const text = Secret.of(lines.map((line) => `${line}\n`).join(""));
  return [{ do: "wg", interface: name, text }];
}

export function privateKeyText({ privateKey, publicKey }: WantedInterface): Secret | string {
  return privateKey ?? `${ON_THIS_HOST} ${publicKey}`;
}

/** A wanted peer that does not exist yet. A name that does not resolve leaves it without an endpoint. */
export function newSection(
  { publicKey, presharedKey, endpoint, keepalive }: WantedPeer,
  allowedIps: readonly string[],
  observed: Observation,
): PeerSection {
  const to = endpoint === null ? undefined : resolve(endpoint, observed)[0];
  const text = to === undefined ? null : formatNumericEndpoint(to);
  return { publicKey, presharedKey, allowedIps, keepalive, endpoint: text };
}

/** A running peer with every value written out. `removed`: it may have been removed, so it needs its endpoint too. */
export function formerSection(peer: WireGuardPeer, removed: boolean): PeerSection {
  const { publicKey, presharedKey, allowedIps, keepalive, endpoint } = peer;
  return {
    publicKey,
    presharedKey: presharedKey === "none" ? NO_KEY : KEY_OF_NOW,
    allowedIps,
    keepalive,
    endpoint: removed && endpoint !== null ? formatNumericEndpoint(endpoint) : null,
  };
}

/**
 * Two steps that start handshakes with all peers that have an endpoint: WireGuard sends a packet when keepalive is switched on.
 * Peers with a keepalive are left out.
 */
export function kickSteps(name: string, peers: readonly PeerSection[]): LiveStep[] {
  const quiet = peers
    .filter(({ keepalive, endpoint }) => keepalive === 0 && endpoint !== null)
    .map((peer) => ({ ...peer, presharedKey: null, endpoint: null }));
  const switchedOn = quiet.map((peer) => ({ ...peer, keepalive: 1 }));
  return [switchedOn, quiet].flatMap((sections) => wgStep(name, UNCHANGED, sections));
}

function peerLines(peer: PeerSection, name: string): string[] {
  const { publicKey, presharedKey, allowedIps, keepalive, endpoint } = peer;
  const shared = presharedKey === null ? null : keyText(presharedKey, `${name} ${publicKey}`);
  return [
    "[Peer]",
    `PublicKey = ${publicKey}`,
    ...(allowedIps.length === 0 ? [] : [`AllowedIPs = ${allowedIps.join(", ")}`]),
    ...(shared === null ? [] : [`PresharedKey = ${shared}`]),
    `PersistentKeepalive = ${keepalive}`,
    ...(endpoint === null ? [] : [`Endpoint = ${endpoint}`]),
  ];
}

/** `place`: where the host finds the current key, `INTERFACE` or `INTERFACE PUBLICKEY`. */
function keyText(key: Secret | string, place: string): string {
  if (key === KEY_OF_NOW) return `${KEY_OF_NOW} ${place}`;
  return typeof key === "string" ? key : key.reveal();
}
