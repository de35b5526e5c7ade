/**
 * The message that the push program reads on stdin, from the Pulumi program or from a command such as repush. It carries
 * secrets, so it is never part of a command line.
 */

/** One SSH hop on the way to a host. */
export interface SshHop {
  user: string;
  /** IP address or DNS name; IPv6 without brackets. */
  address: string;
  port: number;
  /** Accepted host keys, as `TYPE BASE64` (authorized_keys format, no comment). Not empty if `authority` is null. */
  hostKeys: string[];
  /** If set, only a host certificate of this authority is accepted. Null: `hostKeys` are pinned. */
  authority: SshAuthority | null;
  /** Config path of `hostKeys`, e.g. `relays.NAME.hostKey`; for messages. */
  pinnedAt?: string;
}

/** The authority that signs a machine's host certificate. */
export interface SshAuthority {
  /** `ssh-ed25519 BASE64`. */
  publicKey: string;
  /** The principal that the certificate must have. */
  principal: string;
}

/** One way to log in to a host: this machine itself, or SSH through `via` (nearest jump first, may be empty). */
export type HostTarget = { kind: "local" } | { kind: "ssh"; hop: SshHop; via: SshHop[] };

/** How to log in to a host; `status` uses it too. */
export interface HostAccess {
  /** The node's name in stack config, for messages. */
  node: string;
  /** Tried in order until one answers. Not empty. */
  targets: HostTarget[];
  /** OpenSSH private key text; null: the user's own agent and ssh_config. Secret. */
  sshPrivateKey: string | null;
}

export interface PushRequest extends HostAccess {
  version: 1;
  /** Owner of the interface on the host: `PROJECT/STACK`. The push fails if another stack owns it. */
  owner: string;
  /**
   * Identity of the machine: a digest of its host keys, its instance ID, or `local:NODE`. Stored next to the owner mark, so
   * that removing a node from its old machine never tears down the interface on its new one.
   */
  machine: string;
  /**
   * Other nodes of the config on the same machine. If the host's recorded node is not among them, that node was renamed and
   * this one takes the host over. Absent if there are none.
   */
  rivals?: string[];
  /** Interface name, at most 15 characters of [A-Za-z0-9_=+.-] (wg-quick(8)). */
  interface: string;
  /**
   * The wg-quick(8) file, newline-terminated. Secret: holds the private key and preshared keys. The host fills in a line
   * `PrivateKey = (on this host) PUBLICKEY`.
   */
  config: string;
  /** Sysctl net.ipv4.ip_forward and net.ipv6.conf.all.forwarding. */
  forwarding: { ipv4: boolean; ipv6: boolean };
  /**
   * Tunnel addresses that this host pings after a change, to trigger handshakes: of neighbours that it dials and may ping, or of
   * all neighbours if the host is a peer that moves to a new key.
   */
  probes: string[];
  /**
   * `INSTANCE:PUBLICKEY` of each neighbour on EC2. If the instance has changed since the last push, the host starts a new
   * handshake with it, because the old session died with the old instance. Absent in requests of older versions.
   */
  instances?: string[];
  /**
   * Public keys of neighbours that send from the port at which they are dialled. Packets from another port of the same address
   * come from a second interface that will be removed. Absent in requests of older versions.
   */
  fixedPorts?: string[];
  /** For a relay: the relays of `fixedPorts` are pushed to at the same time as this host. Absent if there are none. */
  besideRelays?: true;
  /**
   * The host's nftables table, `table inet wireguard-mesh-INTERFACE { ... }` (mesh/filter-table.ts), exactly as
   * `nft -s list table` prints it. Absent for a host without one. No secrets.
   */
  filter?: string;
  /**
   * For a host that is reached only through the tunnel: public keys of the peers that need the filter. If the filter cannot be
   * loaded at boot, the interface comes up with its relays only. Absent: then it stays down.
   */
  onlyWithFilter?: string[];
  /**
   * For a host with `routeAll`: addresses of the exit and beyond it. They must answer a ping once all traffic goes through the
   * exit, or the host undoes the change.
   */
  mustAnswer?: string[];
  /** The names of all nodes, for this host and for its DNS clients. Absent in a network without a domain. */
  names?: NodeNames;
  /**
   * For a relay: `KEY ADDRESS` of all peers that are reached only through the tunnel, those of other relays too. Absent if there
   * are none; only keys in requests of older versions.
   */
  tunnelOnly?: string[];
  /**
   * For a host that is reached only through the tunnel: the relays that are not a jump in `targets`. One of them may still reach
   * the host at its former address. Absent if there are none.
   */
  otherJumps?: SshHop[];
  /**
   * The host resolves the names in endpoints again while a peer is silent. Absent without such names, and in requests of older
   * versions.
   */
  followNames?: true;
  /** For the first login to an EC2 instance of this stack; null for other machines. */
  identity: HostIdentity | null;
  /** Null unless a key is changing or a second interface exists. */
  rotation: RotationTask | null;
  /**
   * PushResult.serial of the last push in the state, so that the next one is greater even on a host that was restored from a
   * backup. Only `repush` adds it: in a request of the engine, a new number would be a change.
   */
  serial?: number;
  /**
   * Goes back to the state that the push with this serial confirmed. Only `rollback` adds it.
   */
  generation?: number;
}

export interface NodeNames {
  /** A DNS domain in lower case, e.g. `mesh.internal`. */
  domain: string;
  /** `NAME ADDRESS [ADDRESS6]` of each node. Without ADDRESS6 if this host itself has no IPv6 address in the tunnel. */
  nodes: string[];
  /** The host, a relay, answers DNS queries that arrive through the tunnel. */
  serves: boolean;
}

/** What a host does during a key rotation of a neighbour or, on a relay, of its own. */
export interface RotationTask {
  /** Neighbours with a peer section for each of two keys. The key with the latest handshake gets the allowed IPs. */
  pairs: { current: string; next: string; allowedIps: string[] }[];
  /** A relay's second interface, on its rotation port, with its wg-quick(8) file (`Table = off`, no address). Secret. */
  alternate: { interface: string; config: string } | null;
  /** Public keys of peers that must complete a handshake, or the host undoes the change. */
  mustShake: string[];
}

/** Keys for giving an EC2 instance its permanent SSH identity. */
export interface HostIdentity {
  /** OpenSSH private key text of the authority. Secret; used only on the operator's machine. */
  authorityKey: string;
  /** The host key that user data installs, as `ssh-ed25519 BASE64`. Accepted only for the first login. */
  bootstrapHostKey: string;
  /**
   * The instance's address until the relay's Elastic IP is attached. Empty if it has none; absent in requests of older versions.
   */
  firstAddress?: string;
}

/** Placeholder in a config for a private key that only the host has; the public key follows it. */
export const ON_THIS_HOST = "(on this host)";

/** Begins a comment in a peer section: when the host removes that peer by itself, as `2027-01-01T00:00:00Z`. */
export const EXPIRY_COMMENT = "# Expires = ";

/** What the push program prints on stdout on success, as one line of JSON without secrets. */
export interface PushResult {
  node: string;
  /** How it logged in: `local` or `user@address[:port]`, with ` via user@address` for each jump. */
  through: string;
  /** `unchanged`: the host already ran in this state, so nothing running was touched. */
  outcome: "applied" | "unchanged";
  /** Kernel WireGuard or wireguard-go. */
  backend: "kernel" | "userspace";
  /** SHA-256 (hex) of the wanted state: interface, config, forwarding, rotation, filter, names; not of how to log in. */
  digest: string;
  /** Counts the confirmed pushes to this host. Absent in results of older versions. */
  serial?: number;
}
