/** The WireGuard interfaces of a host, from `wg show all dump` (wg(8)) without secrets. */
import { isKey } from "../key-text";
import { canonicalAddress, prefixOf } from "./prefixes";

export interface WireGuardDevice {
  /** Null if it has no private key. */
  publicKey: string | null;
  listenPort: number;
  /** The fwmark, as `0xca6c`; null: none. */
  mark: string | null;
  peers: ReadonlyMap<string, WireGuardPeer>;
}

export interface WireGuardPeer {
  publicKey: string;
  /**
   * The preshared key compared with the wanted one: `same` or `other`. `none`: the peer has none. `set`: it has one, and there
   * was none to compare with.
   */
  presharedKey: PresharedKeyState;
  /** Null until the peer was dialled or has sent a packet. */
  endpoint: NumericEndpoint | null;
  /** Canonical prefixes. */
  allowedIps: string[];
  /** Seconds since 1970; 0: never. */
  latestHandshake: number;
  receivedBytes: number;
  sentBytes: number;
  /** Seconds; 0: off. */
  keepalive: number;
}

export type PresharedKeyState = "none" | "same" | "other" | "set";

export interface NumericEndpoint {
  /** Canonical, IPv6 without brackets; a link-local one with its zone (`fe80::1%eth0`). */
  address: string;
  port: number;
}

/**
 * Parses lines with tab-separated columns: INTERFACE PUBLICKEY PORT FWMARK, and INTERFACE PUBLICKEY PRESHAREDKEY ENDPOINT
 * ALLOWEDIPS HANDSHAKE RECEIVED SENT KEEPALIVE. Other lines are skipped.
 */
export function parseWireGuard(lines: readonly string[]): Map<string, WireGuardDevice> {
  const devices = new Map<string, WireGuardDevice & { peers: Map<string, WireGuardPeer> }>();
  for (const line of lines) {
    const [name = "", ...columns] = line.split("\t");
    const [publicKey = "", port = "", mark = ""] = columns;
    if (columns.length === 3) {
      devices.set(name, {
        publicKey: publicKey === "(none)" ? null : publicKey,
        listenPort: integer(port),
        mark: /^0x[0-9a-f]+$/.test(mark) ? mark : null,
        peers: new Map(),
      });
    } else if (columns.length === 8 && isKey(publicKey)) {
      devices.get(name)?.peers.set(publicKey, parsePeer(columns));
    }
  }
  return devices;
}

/** Parses `ADDRESS:PORT` or `[ADDRESS]:PORT`; null for names and anything else. */
export function parseNumericEndpoint(text: string): NumericEndpoint | null {
  const pattern = /^(?:\[([^\]%]+)(%[^\]\s]{1,15})?\]|([^:]+)):(\d{1,5})$/;
  const [, v6, zone = "", v4 = "", port = ""] = pattern.exec(text) ?? [];
  const address = canonicalAddress(v6 ?? v4);
  return address === null ? null : { address: address + zone, port: Number(port) };
}

/** `ADDRESS:PORT` as wg(8) prints and takes it. */
export function formatNumericEndpoint({ address, port }: NumericEndpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function parsePeer(columns: readonly string[]): WireGuardPeer {
  const [publicKey = "", presharedKey = "", endpoint = "", allowed = ""] = columns;
  const [, , , , handshake = "", received = "", sent = "", keepalive = ""] = columns;
  return {
    publicKey,
    presharedKey: isPresharedKeyState(presharedKey) ? presharedKey : "set",
    endpoint: parseNumericEndpoint(endpoint),
    allowedIps: allowed.split(",").flatMap((text) => prefixOf(text)?.text ?? []),
    latestHandshake: integer(handshake),
    receivedBytes: integer(received),
    sentBytes: integer(sent),
    keepalive: integer(keepalive),
  };
}

function isPresharedKeyState(text: string): text is PresharedKeyState {
  return text === "none" || text === "same" || text === "other" || text === "set";
}

/** 0 for `off` and anything else that is no number. */
function integer(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}
