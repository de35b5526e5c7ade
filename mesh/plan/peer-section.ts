/** What one node is told of another. */

/** A `[Peer]` section of wg(8), before its secrets. */
export interface PeerSection {
  /** The node that it describes. A peer between two keys has two sections, the current one first. */
  name: string;
  publicKey: string;
  which: "current" | "next";
  presharedKey: boolean;
  /** Empty in the second section of a peer: the host gives them to the key that shook hands last. */
  allowedIps: string[];
  /** `host:port`, or null: this side waits to be dialled. */
  endpoint: string | null;
  /** Seconds, or null: off. */
  persistentKeepalive: number | null;
}
