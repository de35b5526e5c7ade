/**
 * The record of the last confirmed state of a host: one file of lines `KEY VALUE`. Formats 1 and 2 had one file for each value;
 * they are read too.
 */
import { groupLines, splitAt, words, type FileLines } from "./lines";
import type { HostPaths } from "./paths";

/** Written by this version. A host with a higher number is refused. */
export const FORMAT = 3;

export interface Confirmed extends ConfirmedState {
  /** Counts the confirmed pushes; 0 in older formats. */
  serial: number;
  /** Token of the push; empty in older formats. */
  token: string;
  /** SHA-256 (hex) of the live file, which may hold a private key that only the host has. */
  file: string;
}

/** The part of the record that a push writes. */
export interface ConfirmedState {
  /** PushResult.digest */
  digest: string;
  forwarding: PerFamily;
  /** Which forwarding sysctls wireguard-mesh switched on. */
  switchedOn: PerFamily;
  /** Words `INSTANCE:KEY`, see PushRequest.instances. */
  instances: readonly string[];
  probes: readonly string[];
  /** The second interface; null if there was none. */
  alternate: string | null;
  mustShake: readonly string[];
  /** Words `CURRENT:NEXT`. */
  pairs: readonly string[];
  /** `HOST:PORT` by public key, as in the config; empty in older formats. */
  endpoints: ReadonlyMap<string, string>;
  /** Wanted.tunnelAddresses; empty in older formats. */
  tunnelAddresses: ReadonlyMap<string, string>;
  /** The MTU of the interface while its config names none. */
  ownMtu: number | null;
  /** The interface's rp_filter before a second interface made it 2. */
  rpFilter: number | null;
}

export interface PerFamily {
  ipv4: boolean;
  ipv6: boolean;
}

/** Files of format 2, in the folder of the state, that the record replaces. */
export const FORMAT_2_FILES = [
  "digest",
  "file",
  "forwarding",
  "probes",
  "instances",
  "own-mtu",
  "switched-on-ipv4",
  "switched-on-ipv6",
  "commit",
  "log",
] as const;

/** The record of a host without one. */
export const NEVER_CONFIRMED: Confirmed = parseConfirmed([]);

/** The lines of a state, without `serial`, `token` and `file`; equal states have equal lines. */
export function confirmedLines(state: ConfirmedState): string[] {
  const { forwarding, switchedOn } = state;
  const line = (key: string, all: readonly string[]) =>
    all.length === 0 ? [] : [`${key} ${all.join(" ")}`];
  const one = (key: string, value: string | number | null) =>
    value === null ? [] : [`${key} ${value}`];
  return [
    `format ${FORMAT}`,
    `digest ${state.digest}`,
    `forwarding ${Number(forwarding.ipv4)} ${Number(forwarding.ipv6)}`,
    ...line("switched-on", familiesIn(switchedOn)),
    ...line("probes", state.probes),
    ...line("instances", state.instances),
    ...one("alternate", state.alternate),
    ...line("shake", state.mustShake),
    ...line("pair", state.pairs),
    ...[...state.endpoints].map(([key, endpoint]) => `endpoint ${key} ${endpoint}`),
    ...[...state.tunnelAddresses].map(([key, address]) => `tunnel ${key} ${address}`),
    ...one("own-mtu", state.ownMtu),
    ...one("rp-filter", state.rpFilter),
  ];
}

export function parseConfirmed(lines: readonly string[]): Confirmed {
  const all = groupLines(lines, " ");
  const first = (key: string): string => all.get(key)?.[0] ?? "";
  const [ipv4, ipv6] = words(first("forwarding"));
  const switchedOn = words(first("switched-on"));
  return {
    serial: numberIn(first("serial")) ?? 0,
    token: first("token"),
    file: first("file"),
    digest: first("digest"),
    forwarding: { ipv4: ipv4 === "1", ipv6: ipv6 === "1" },
    switchedOn: { ipv4: switchedOn.includes("ipv4"), ipv6: switchedOn.includes("ipv6") },
    instances: words(first("instances")),
    probes: words(first("probes")),
    alternate: first("alternate") || null,
    mustShake: words(first("shake")),
    pairs: words(first("pair")),
    endpoints: new Map((all.get("endpoint") ?? []).map((text) => splitAt(text, " "))),
    tunnelAddresses: new Map((all.get("tunnel") ?? []).map((text) => splitAt(text, " "))),
    ownMtu: numberIn(first("own-mtu")),
    rpFilter: numberIn(first("rp-filter")),
  };
}

/** Null if nothing was confirmed. */
export function confirmedOfFormat2(files: FileLines, { state, run }: HostPaths): Confirmed | null {
  const text = (name: string): string => files.get(`${state}/${name}`)?.[0] ?? "";
  if (text("file") === "" && text("digest") === "") return null;
  const rotating = groupLines(files.get(`${state}/rotation`) ?? [], " ");
  const rotation = (key: string): string => rotating.get(key)?.[0] ?? "";
  const [ipv4, ipv6] = words(text("forwarding"));
  return {
    serial: 0,
    token: "",
    file: text("file"),
    digest: text("digest"),
    forwarding: { ipv4: ipv4 === "1", ipv6: ipv6 === "1" },
    switchedOn: {
      ipv4: files.has(`${state}/switched-on-ipv4`),
      ipv6: files.has(`${state}/switched-on-ipv6`),
    },
    instances: words(text("instances")),
    probes: words(text("probes")),
    alternate: rotation("alternate") || null,
    mustShake: words(rotation("shake")),
    pairs: words(rotation("pairs")),
    endpoints: new Map(),
    tunnelAddresses: new Map(),
    ownMtu: numberIn(text("own-mtu")),
    rpFilter: numberIn(files.get(`${run}/rp-filter`)?.[0]),
  };
}

function familiesIn({ ipv4, ipv6 }: PerFamily): string[] {
  return [...(ipv4 ? ["ipv4"] : []), ...(ipv6 ? ["ipv6"] : [])];
}

function numberIn(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}
