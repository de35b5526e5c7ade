/** Differences between a host and its wanted state, as data for messages and steps. */
import type { Route } from "./network-state";

export interface Differences {
  /** Of the running system. */
  live: LiveDifference[];
  /** Of files that are used at boot, and of the host's records. */
  boot: BootDifference[];
}

export type Difference = LiveDifference | BootDifference;

/** `extra`: it exists and is not wanted. */
type Presence = "missing" | "extra";

export type LiveDifference =
  /** The only difference of an interface that belongs to another stack or program. */
  | { kind: "owner"; interface: string; owner: string | null }
  /** An unconfirmed change, which will be undone. */
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
  /** `other`: the watcher follows other keys. */
  | { kind: "watcher"; is: "missing" | "other" }
  | PeerDifference;

export type PeerDifference = { interface: string; publicKey: string } & (
  | { kind: "peer"; is: Presence }
  | { kind: "allowed-ip"; prefix: string; is: Presence }
  | { kind: "preshared-key"; is: Presence | "other" }
  /** Seconds; 0: off. */
  | { kind: "keepalive"; is: number; wanted: number }
  | EndpointDifference
  /** The peer's machine was replaced, so the session is lost. */
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
   * `new`: the endpoint changed in the config, so the session is of no use. `roams`: only the port of a relay changed that is
   * pushed at the same time; the session roams when the relay sends from the new port.
   */
  session: "kept" | "new" | "roams";
}

export type BootDifference =
  /** `edited`: not as confirmed last. `outdated`: the wanted state has changed. `open`: accessible by other users than root. */
  | { kind: "file"; path: string; is: Presence | "edited" | "outdated" | "open" }
  /** The block with the names of nodes in /etc/hosts. */
  | { kind: "hosts"; is: Presence | "outdated" }
  /** The DNS server of a relay. It is started after the confirmation, so it needs no undo. */
  | { kind: "dns"; is: Presence }
  /** A unit of systemd, or a script of OpenRC. */
  | { kind: "start"; name: string; is: Presence }
  /** The timer or loop of tasks.ts. */
  | { kind: "ticker"; is: "missing" }
  /** The record of the confirmed state. */
  | { kind: "record"; is: "missing" | "older-format" | "other-config" | "outdated" }
  /** `other`: the node or its machine has another name there. */
  | { kind: "owner-mark"; is: "missing" | "other" };

/** Whether the peer needs a new session, because the current one belongs to another endpoint or machine. */
export function needsSession(it: PeerDifference): boolean {
  return it.kind === "session" || (it.kind === "endpoint" && it.session === "new");
}

/** Whether the undo adds the peer anew, to restore its endpoint or session, or because it was removed. */
export function isAddedAnew(it: PeerDifference): boolean {
  return (
    (it.kind === "endpoint" && !roams(it)) ||
    it.kind === "session" ||
    (it.kind === "peer" && it.is === "extra")
  );
}

export function isNew(it: PeerDifference): boolean {
  return it.kind === "peer" && it.is === "missing";
}

/** Whether the session is kept and roams. */
export function roams(it: PeerDifference): boolean {
  return it.kind === "endpoint" && it.session === "roams";
}
