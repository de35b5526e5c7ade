/** A peer section as plain data. */

/** A `[Peer]` section of wg(8) without its secrets. */
export interface PeerSection {
  /** The node that it describes. A peer with a rotation in progress can have two sections, the current key first. */
  name: string;
  publicKey: string;
  which: "current" | "next";
  presharedKey: boolean;
  /** Empty in the second section of a peer: the host moves them to the key with the latest handshake. */
  allowedIps: string[];
  /** `host:port`, or null if this node cannot dial it. */
  endpoint: string | null;
  /** Seconds, or null: off. */
  persistentKeepalive: number | null;
  /** When the host removes this peer by itself, in seconds since 1970. Absent: never, or the host is not pushed to. */
  expires?: number;
}
