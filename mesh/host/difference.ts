/** One difference between a host and what is wanted of it, as data: words and steps are made of it. */
import type { Route } from "./network-state";

export interface Differences {
  /** Of the running system. */
  live: LiveDifference[];
  /** Of what the next boot brings, and of the host's records. */
  boot: BootDifference[];
}

export type Difference = LiveDifference | BootDifference;

/** `extra`: it exists and is not wanted. */
type Presence = "missing" | "extra";

export type LiveDifference =
  /** Nothing else is compared for an interface that is not ours, or missing. */
  | { kind: "owner"; interface: string; owner: string | null }
  /** A change that is not confirmed, so that it will be undone. */
  | { kind: "pending" }
  | { kind: "interface"; interface: string; is: Presence | "down" }
  | { kind: "public-key"; interface: string; is: string | null; wanted: string }
  | { kind: "listen-port"; interface: string; is: number; wanted: number }
  | { kind: "mtu"; interface: string; is: number; wanted: number }
  /** Of the packets that WireGuard sends. */
  | { kind: "mark"; interface: string; is: string | null; wanted: string | null }
  | { kind: "address"; interface: string; address: string; is: Presence }
  | { kind: "route"; interface: string; prefix: string; is: Presence; route: Route }
  /** `selector` and `priority` as ip-rule(8) takes them. */
  | { kind: "rule"; family: 4 | 6; is: Presence; priority: number; selector: string }
  | { kind: "sysctl"; key: string; is: string; wanted: string }
  /** The nft table. */
  | { kind: "filter"; is: Presence }
  /** Lines of the table in its normal form (packet-filter/normal-form.ts). */
  | { kind: "filter"; is: "other"; missing: string[]; extra: string[] }
  /** `is`: what the watcher of keys does instead of following the wanted ones. */
  | { kind: "watcher"; is: "missing" | "other" }
  | PeerDifference;

export type PeerDifference = { interface: string; publicKey: string } & (
  | { kind: "peer"; is: Presence }
  | { kind: "allowed-ip"; prefix: string; is: Presence }
  | { kind: "preshared-key"; is: Presence | "other" }
  /** Seconds; 0: off. */
  | { kind: "keepalive"; is: number; wanted: number }
  | EndpointDifference
  /** The machine behind the key was replaced: it knows nothing of the session. */
  | { kind: "session" }
);

export interface EndpointDifference {
  kind: "endpoint";
  /** `ADDRESS:PORT`; null: the peer has none. */
  is: string | null;
  /** `HOST:PORT` as in the config. */
  wanted: string;
  /** `ADDRESS:PORT` to set. */
  to: string;
  /**
   * `new`: the config says another one than before, and the session belongs to the former place. `roams`: that is only another port
   * of a relay that is pushed to at the same time, and the session follows when that relay speaks from there.
   */
  session: "kept" | "new" | "roams";
}

export type BootDifference =
  /** `edited`: not what was confirmed last. `outdated`: what was confirmed is not what is wanted now. `open`: to others than root. */
  | { kind: "file"; path: string; is: Presence | "edited" | "outdated" | "open" }
  /** The block with the names of nodes in /etc/hosts. */
  | { kind: "hosts"; is: Presence | "outdated" }
  /** The DNS server of a relay. It needs no undo: it is started after the confirmation. */
  | { kind: "dns"; is: Presence }
  /** A unit of systemd, or a script of OpenRC. */
  | { kind: "start"; name: string; is: Presence }
  /** The timer or loop of tasks.ts. */
  | { kind: "ticker"; is: "missing" }
  /** The record of the confirmed state. */
  | { kind: "record"; is: "missing" | "older-format" | "other-config" | "outdated" }
  /** `other`: the node or its machine has another name there. */
  | { kind: "owner-mark"; is: "missing" | "other" };

/** The session of the peer is of no use: it belongs to another place or machine. */
export function needsSession(it: PeerDifference): boolean {
  return it.kind === "session" || (it.kind === "endpoint" && it.session === "new");
}

/** The undo adds the peer again: its endpoint can only be taken back together with it. */
export function wasRemoved(it: PeerDifference): boolean {
  return (
    (it.kind === "endpoint" && !roams(it)) ||
    it.kind === "session" ||
    (it.kind === "peer" && it.is === "extra")
  );
}

export function isNew(it: PeerDifference): boolean {
  return it.kind === "peer" && it.is === "missing";
}

/** Its session is not touched, and follows the peer. */
export function roams(it: PeerDifference): boolean {
  return it.kind === "endpoint" && it.session === "roams";
}
