/** The state of a host as the host program prints it: the input of status, drift, doctor and pushes. */
import { parseGenerations, type Generation } from "./stored-request";
import { groupLines, splitAt, words, type FileLines } from "./lines";
import { parseNetwork, type NetworkState } from "./network-state";
import { canonicalAddress } from "./prefixes";
import { recordsOf, type Records } from "./records";
import { parseWireGuard, type WireGuardDevice } from "./wireguard-state";

export { ObservationError } from "./network-state";

export interface Observation {
  bootId: string | null;
  /** The host's clock, seconds since 1970. */
  now: number | null;
  init: "systemd" | "openrc" | "none";
  /** Installed programs of a fixed list. */
  tools: ReadonlySet<string>;
  /** `limited`: without -batch or -j, such as busybox's. Null: there is no ip. */
  ip: "full" | "limited" | null;
  /** Whether the host has cloud-init, which may write /etc/hosts at every boot. */
  cloudInit: boolean;
  /** The implementation for a new interface; null if the interface exists. */
  wireguard: "kernel" | "userspace" | "none" | null;
  /** Symbolic links that start this program's units at boot. */
  bootLinks: ReadonlySet<string>;
  /** A change that is not confirmed. */
  pending: { token: string; state: string } | null;
  /** The host's message about the end of the last change. */
  result: string | null;
  /** The watcher of rotating keys; null: not reported. */
  watcher: "running" | "missing" | null;
  /** Process of the DNS server of a relay; null: it does not run. */
  dnsProcess: number | null;
  /** The timer or loop of tasks.ts; null: not reported. */
  ticker: "running" | "missing" | null;
  /** The pings of the pending change. */
  pings: readonly { address: string; answered: boolean }[];
  network: NetworkState;
  /** By interface. */
  devices: ReadonlyMap<string, WireGuardDevice>;
  /** By key, e.g. `net/ipv4/ip_forward`. */
  sysctls: ReadonlyMap<string, string>;
  /** DEVTYPE in sysfs by interface, e.g. `wireguard` or `bridge`. */
  deviceTypes: ReadonlyMap<string, string>;
  /** SHA-256 (hex) by path. */
  digests: ReadonlyMap<string, string>;
  /** Paths of wg-quick files with keys that others than root may read or write. */
  openFiles: ReadonlySet<string>;
  records: Records;
  /** The lines of wg-quick files by path, without private and preshared keys. */
  configs: FileLines;
  /** The lines of the block in /etc/hosts, without its markers; null if there is none. */
  hostsBlock: readonly string[] | null;
  /** Sockets at port 53 as `ss -lntup` lists them. Empty unless asked for. */
  dnsSockets: readonly string[];
  /** Paths of this program that are mount points. */
  mountPoints: ReadonlySet<string>;
  /** The addresses of each name in an endpoint, in the resolver's order. Names that did not resolve are missing. */
  answers: ReadonlyMap<string, readonly string[]>;
  /** Public keys of the private keys that were made on the host. */
  ownKeys: ReadonlySet<string>;
  /** The stored states for a rollback, by serial; null: not asked for. */
  generations: ReadonlyMap<number, Generation | null>;
  /** The output of `nft -s list table` for this program's table; empty: there is none. */
  filter: readonly string[];
  /** The output of `nft list ruleset`, as firewall.ts takes it. */
  nft: readonly string[];
  /** The output of `iptables-save -t filter`. */
  iptables: readonly string[];
}

/**
 * Parses the sections of the host's output, by name. `name`: the interface. Missing sections and unknown lines are skipped.
 * Takes linear time.
 * @throws ObservationError if a section is damaged.
 */
export function parseObservation(
  sections: ReadonlyMap<string, readonly string[]>,
  name: string,
): Observation {
  const lines = (section: string) => sections.get(section) ?? [];
  const kernel = lines("kernel").map((line) => splitAt(line, ":"));
  const types = kernel.filter(([, text]) => text.startsWith("DEVTYPE="));
  return {
    ...parseHost(lines("host")),
    network: parseNetwork(lines("ip")),
    devices: parseWireGuard(lines("wg")),
    sysctls: keyed(kernel, /^\/proc\/sys\/(net\/.+)$/),
    deviceTypes: keyed(
      types.map(([path, text]) => [path, text.slice("DEVTYPE=".length)]),
      /^\/sys\/class\/net\/([^/]+)\/uevent$/,
    ),
    digests: new Map(
      lines("files").flatMap((line) => {
        const [, digest = "", path] = /^\\?([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
        return path === undefined ? [] : [[path, digest] as const];
      }),
    ),
    openFiles: new Set(lines("files").filter((line) => line.startsWith("/"))),
    records: recordsOf(groupLines(lines("records"), ":"), name),
    configs: groupLines(lines("config"), ":"),
    hostsBlock: blockIn(lines("hosts")),
    dnsSockets: lines("dns"),
    // proc(5), mountinfo: the fifth field is the mount point.
    mountPoints: new Set(lines("mounts").flatMap((line) => line.split(" ")[4] ?? [])),
    answers: parseAnswers(lines("names")),
    ownKeys: new Set(lines("own-keys")),
    generations: new Map<number, Generation | null>([
      ...numbersIn(groupLines(lines("host"), " ").get("generation")),
      ...parseGenerations(lines("generations")),
    ]),
    filter: lines("table"),
    nft: lines("nft"),
    iptables: lines("iptables"),
  };
}

type HostFacts = Pick<
  Observation,
  | "bootId"
  | "now"
  | "init"
  | "tools"
  | "ip"
  | "cloudInit"
  | "wireguard"
  | "bootLinks"
  | "pending"
  | "result"
  | "watcher"
  | "dnsProcess"
  | "ticker"
  | "pings"
>;

function parseHost(lines: readonly string[]): HostFacts {
  const all = groupLines(lines, " ");
  const first = (key: string): string | null => all.get(key)?.[0] ?? null;
  const pending = first("pending");
  return {
    bootId: first("boot"),
    now: numberIn(first("now")),
    init: oneOf(first("init"), ["systemd", "openrc"]) ?? "none",
    tools: new Set(words(first("tools") ?? "")),
    ip: oneOf(first("ip"), ["full", "limited"]),
    cloudInit: all.has("cloud-init"),
    wireguard: oneOf(first("wireguard"), ["kernel", "userspace", "none"]),
    bootLinks: new Set(all.get("link")),
    pending: pending === null ? null : pendingIn(pending),
    result: first("result"),
    watcher: oneOf(first("watcher"), ["running", "missing"]),
    dnsProcess: numberIn(first("dns")),
    ticker: oneOf(first("ticker"), ["running", "missing"]),
    pings: (all.get("ping") ?? []).map((text) => {
      const [address, answer] = splitAt(text, " ");
      return { address, answered: answer === "answered" };
    }),
  };
}

function numberIn(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}

function numbersIn(texts: readonly string[] = []): [number, null][] {
  return texts.flatMap((text) => {
    const number = numberIn(text);
    return number === null ? [] : [[number, null]];
  });
}

function pendingIn(text: string): Observation["pending"] {
  const [token, state] = splitAt(text, " ");
  return { token, state };
}

/** Without the first and the last line. */
function blockIn(lines: readonly string[]): readonly string[] | null {
  return lines.length < 2 ? null : lines.slice(1, -1);
}

/** Parses lines `NAME ADDRESS`. */
function parseAnswers(lines: readonly string[]): Map<string, string[]> {
  const addresses = (texts: readonly string[]) =>
    new Set(texts.flatMap((text) => canonicalAddress(text) ?? []));
  return new Map(
    [...groupLines(lines, " ")]
      .map(([name, texts]): [string, string[]] => [name, [...addresses(texts)]])
      .filter(([, found]) => found.length > 0),
  );
}

/** The entries whose path matches, by its first group. */
function keyed(
  entries: readonly (readonly [string, string])[],
  pattern: RegExp,
): Map<string, string> {
  return new Map(
    entries.flatMap(([path, value]) => {
      const key = pattern.exec(path)?.[1];
      return key === undefined ? [] : [[key, value] as const];
    }),
  );
}

function oneOf<const T extends string>(text: string | null, all: readonly T[]): T | null {
  return all.find((candidate) => candidate === text) ?? null;
}
