/** A parsed wg-quick(8) file. */
import type { IpAddress, Prefix } from "../addresses";
import type { Endpoint } from "../config/config";
import type { HookEffect } from "./hooks";
import type { Secret } from "../secret";

export interface WgQuickFile {
  /** Its name in messages: a path, or `HOST:/etc/wireguard/wg0.conf`. */
  source: string;
  /** The node's name, from a comment. */
  name: string | null;
  privateKey: Secret | null;
  addresses: InterfaceAddress[];
  /** Null: any. */
  listenPort: number | null;
  mtu: number | null;
  dns: string[];
  /** Hooks whose effect a push replaces: the first line of each kind. */
  hooks: { line: number; setting: string; effect: Exclude<HookEffect, "other"> }[];
  peers: QuickPeer[];
}

export interface InterfaceAddress extends IpAddress {
  length: number;
}

export interface QuickPeer {
  /** The line of its [Peer]. */
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
