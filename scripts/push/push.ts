/** A push while it runs: what both of its logins share. */
import { servesDns } from "../../mesh/host/dns-server";
import { namesOf, presharedKeysOf, interfacesOf, type Wanted } from "../../mesh/host/wanted";
import type { Observation } from "../../mesh/host/observation";
import type { PushRequest, PushResult } from "../../mesh/push-request";
import { formatWay } from "./attempt";
import type { Host, Session } from "./connect";
import type { Questions } from "./conversation";

/** Told about a push while it runs. */
export interface Listeners {
  /** Gets what people may want to read meanwhile, a line at a time. */
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
  /** A first login that breaks off is repeated once. */
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
  /** Whether the host said so; else the connection broke, and the host alone knows. */
  isSure: boolean;
}

export function questionsOf(wanted: Wanted): Questions {
  return {
    presharedKeys: presharedKeysOf(wanted).reveal(),
    names: namesOf(wanted),
    ownKeys: interfacesOf(wanted).some(({ privateKey }) => privateKey === null),
    filter: true,
    table: wanted.filter !== null,
    dns: servesDns(wanted),
  };
}

/** Whether a login came by a way of the config, and not by one that the host had before. */
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
