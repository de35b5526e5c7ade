/**
 * What one host is told: the message that the program hands to the push program on stdin.
 * It is the only thing that carries secrets out of the engine, and it never appears in a command line.
 */

/** One machine on the way to a host, dialled by SSH. */
export interface SshHop {
  user: string;
  /** IP address or DNS name; IPv6 without brackets. */
  address: string;
  port: number;
  /** Host keys that this machine may show, as `TYPE BASE64` (authorized_keys form, no comment). Never empty without an authority. */
  hostKeys: string[];
  /** Null: `hostKeys` are pinned. Else the machine must show a host certificate of this authority, and nothing else will do. */
  authority: SshAuthority | null;
  /** Where `hostKeys` stand in the stack config: `relays.NAME.hostKey`; for messages. */
  pinnedAt?: string;
}

/** Who vouches for a machine, and for which one. */
export interface SshAuthority {
  /** `ssh-ed25519 BASE64`. */
  publicKey: string;
  /** The name that the certificate must have been made out for. */
  principal: string;
}

/** One way to a host: on this very machine, or by SSH through `via` (nearest jump first, may be empty). */
export type HostTarget = { kind: "local" } | { kind: "ssh"; hop: SshHop; via: SshHop[] };

/** How to get onto a host; what `status` and `doctor` need too. */
export interface HostAccess {
  /** The node's name in stack config, for messages. */
  node: string;
  /** Tried in order until one answers. Never empty. */
  targets: HostTarget[];
  /** OpenSSH private key text, or null for the user's own agent and ssh_config. Secret. */
  sshPrivateKey: string | null;
}

export interface PushRequest extends HostAccess {
  version: 1;
  /** Who owns the interface on the host: `PROJECT/STACK`. A host owned by another is refused. */
  owner: string;
  /**
   * Which machine this is meant for: a digest of its host keys, or `local:NODE`. Written beside the owner mark,
   * so that a removal meant for a machine that the node has since left never tears down its successor.
   */
  machine: string;
  /**
   * Other nodes of the config on this same machine. A former node of the stack that is not among them has only got another
   * name, so the host is this one's now. Absent where there are none.
   */
  rivals?: string[];
  /** Interface name, at most 15 characters of [A-Za-z0-9_=+.-] (wg-quick(8)). */
  interface: string;
  /**
   * The whole wg-quick(8) file, newline-terminated. Secret: holds the private key and preshared keys. A line
   * `PrivateKey = (on this host) PUBLICKEY` is for the host to fill in.
   */
  config: string;
  /** Whether the host passes on packets between its interfaces: sysctl net.ipv4.ip_forward, net.ipv6.conf.all.forwarding. */
  forwarding: { ipv4: boolean; ipv6: boolean };
  /** Tunnel addresses of nodes that this host dials; the host pings each once to force a handshake. */
  probes: string[];
  /**
   * `INSTANCE:PUBLICKEY` of each neighbour whose machine the program makes. Where another instance stands there than at the
   * push before, the host shakes hands with it anew: the old session is nobody's. Absent in requests of older versions.
   */
  instances?: string[];
  /** What the first contact with an instance of our own takes; null for every other machine. */
  identity: HostIdentity | null;
  /** Null where no key changes and no second interface stands. */
  rotation: RotationTask | null;
}

/** What a host does while keys change: its neighbours', or, on a relay, its own. */
export interface RotationTask {
  /** Neighbours of which both keys are peers here. Their allowed IPs go to whichever key shook hands last. */
  pairs: { current: string; next: string; allowedIps: string[] }[];
  /** A relay's second interface, on its rotation port, and its whole wg-quick(8) file (`Table = off`, no address). Secret. */
  alternate: { interface: string; config: string } | null;
  /** Keys of peer sections that must shake hands, else the host undoes the change. */
  mustShake: string[];
}

/** Where a machine of our own making gets its lasting SSH identity from. */
export interface HostIdentity {
  /** OpenSSH private key text of the authority. Secret; it signs on the operator's machine and never leaves it. */
  authorityKey: string;
  /** The host key that the machine's user data installs, as `ssh-ed25519 BASE64`: good for the first contact alone. */
  bootstrapHostKey: string;
}

/** In a config: where the host fills in a private key that it has got, and we have not; its public half follows. */
export const ON_THIS_HOST = "(on this host)";

/** What the push program prints on stdout after a success, as one line of JSON; it holds no secret. */
export interface PushResult {
  node: string;
  /** The way that was taken: `local` or `user@address[:port]`, with ` via user@address` for each jump. */
  through: string;
  /** `unchanged`: the host already had this very state and nothing was touched. */
  outcome: "applied" | "unchanged";
  /** What carries the tunnel: the kernel's own WireGuard or wireguard-go. */
  backend: "kernel" | "userspace";
  /** sha256 (hex) of what the host was told to be: interface, config, forwarding, rotation. Not of the way there. */
  digest: string;
}
