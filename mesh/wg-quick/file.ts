/** What a wg-quick(8) file says, as data. */
import type { IpAddress, Prefix } from "../addresses";
import type { Endpoint } from "../config/config";
import type { HookEffect } from "./hooks";
import type { Secret } from "../secret";

export interface WgQuickFile {
  /** How messages name it: a path, or `HOST:/etc/wireguard/wg0.conf`. */
  source: string;
  /** What its comments call the node. */
  name: string | null;
  privateKey: Secret | null;
  addresses: InterfaceAddress[];
  /** Null: any. */
  listenPort: number | null;
  mtu: number | null;
  dns: string[];
  /** Its commands that do what a push does: the first line of each kind. */
  hooks: { line: number; setting: string; effect: Exclude<HookEffect, "other"> }[];
  peers: QuickPeer[];
}

export interface InterfaceAddress extends IpAddress {
  length: number;
}

export interface QuickPeer {
  /** Of its [Peer]. */
  line: number;
  name: string | null;
  publicKey: string;
  presharedKey: Secret | null;
  allowedIps: Prefix[];
  endpoint: Endpoint | null;
  /** Seconds; 0: off. */
  keepalive: number;
}

/** Why a file cannot be imported. Never contains a value that may be a key. */
export interface Problem {
  /** `FILE:LINE`, a file, or a node. */
  at: string;
  message: string;
  remedy: string;
}
