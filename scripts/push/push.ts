/** State that both logins of a push share. */
import { servesDns } from "../../mesh/host/dns-server";
import { namesOf, presharedKeysOf, interfacesOf, type Wanted } from "../../mesh/host/wanted";
import type { Observation } from "../../mesh/host/observation";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { formatWay } from "./attempt";
import type { Host, Session } from "./connect";
import type { Questions } from "./conversation";

/** Callbacks of a running push. */
export interface Listeners {
  /** Called with each message for the user, one line. */
  onMessage: (line: string) => void;
  /** Called when the host installs packages, which may take INSTALL_MS longer. */
  onInstall: () => void;
}

export interface Push extends Listeners {
  request: PushRequest;
  digest: string;
  wanted: Wanted;
  host: Host;
  /** Packages are installed at most once. */
  hasInstalled: boolean;
  /** A first login whose connection breaks is repeated once. */
  hasLostFirst: boolean;
}

/** A change that was sent. */
export interface SentChange {
  token: string;
  before: Observation;
  notes: string[];
  /** PushResult.outcome once it is committed. */
  ending: PushResult["outcome"];
  /** PushResult.serial once it is committed. */
  serial: number;
  sentAt: number;
  /** False: the connection broke before the host reported that it has begun. */
  isSure: boolean;
}

export function questionsOf(wanted: Wanted): Questions {
  return {
    presharedKeys: presharedKeysOf(wanted).reveal(),
    names: namesOf(wanted),
    ownKeys: interfacesOf(wanted).some(({ privateKey }) => privateKey === null),
    hostFilter: true,
    ownTable: wanted.filter !== null,
    dns: servesDns(wanted),
  };
}

/** Whether a login used a way of the config, not a former address. */
export function isOwnWay({ request }: Push, { through }: Session): boolean {
  return request.targets.some((target) => formatWay(target) === through);
}

/** Seconds since 1970. */
export function clock(): number {
  return Date.now() / 1000;
}

export function reportAll({ onMessage }: Push, notes: readonly string[]): void {
  [...new Set(notes)].forEach(onMessage);
}

export function resultOf(
  push: Push,
  through: string,
  observed: Observation,
  outcome: PushResult["outcome"],
): PushResult {
  const { node, interface: name } = push.request;
  const backend = observed.deviceTypes.get(name) === "wireguard" ? "kernel" : "userspace";
  const serial = observed.records.confirmed?.serial ?? 0;
  return { node, through, outcome, backend, digest: push.digest, serial };
}
