/** The calls that make a host ping through the tunnel and check its disk, and the parser of its output. */
import { canonicalAddress } from "../host/prefixes";
import { groupLines, words } from "../host/lines";

export interface Probe {
  address: string;
  /** Payload of a larger ping, in bytes; 0: none. */
  size: number;
  /** Whether to take the best of three round trips, which takes longer. Only with size 0. */
  isTimed?: true;
  /** Seconds until it counts as lost. */
  timeoutS: number;
}

/** For a ping through the tunnel. If the other end has lost its session, WireGuard starts a new one after 15 s. */
export const TUNNEL_TIMEOUT_S = 18;
/** For a ping back after a lost one, which has triggered the handshakes. */
export const RETURN_TIMEOUT_S = 3;
/** For a ping outside the tunnel. */
export const OUTSIDE_TIMEOUT_S = 2;

export interface Probes {
  /** The round trip in ms by address; null: lost. */
  pings: ReadonlyMap<string, number | null>;
  /** The largest payload that was answered, by address, if larger pings were sent. */
  sizes: ReadonlyMap<string, number>;
  /** Directories that cannot be written to, and why. */
  full: readonly { place: string; why: "space" | "inodes" | "read-only" }[];
}

/** Bytes of the IPv4 and ICMP headers. */
export const PING_HEADERS = 28;
/** More than a change writes. */
const MIN_FREE_KB = 1024;
/** Pings at a time on a host. */
const PARALLEL_PINGS = 16;

/** Calls of the functions in scripts/push/probe.sh. Throws for an invalid address. */
export function probeCalls(probes: readonly Probe[]): string {
  const calls = probes.map(({ address, size, timeoutS, isTimed }, at) => {
    if (canonicalAddress(address) === null) throw new Error("not an address to ping");
    const rounds = isTimed === true ? 3 : 1;
    const numbers = [size, timeoutS, rounds].map((number) => Math.max(0, Math.trunc(number)));
    return `probe ${address} ${numbers.join(" ")} &\n${(at + 1) % PARALLEL_PINGS === 0 ? "wait\n" : ""}`;
  });
  return `${calls.join("")}disk\nwait\nexit 0\n`;
}

/** Ignores malformed lines. */
export function parseProbes(output: string): Probes {
  const lines = groupLines(output.split("\n"), " ");
  const columns = (key: string) => (lines.get(key) ?? []).map(words);
  const full = new Map<string, Probes["full"][number]>();
  const note = (place: string | undefined, why: Probes["full"][number]["why"]) => {
    if (place?.startsWith("/") === true) full.set(`${place} ${why}`, { place, why });
  };
  for (const [place] of columns("readonly")) note(place, "read-only");
  for (const [place, free = ""] of columns("disk")) {
    if (isNumber(free) && Number(free) < MIN_FREE_KB) note(place, "space");
  }
  for (const [place, all = "", free = ""] of columns("inodes")) {
    // File systems without a fixed number of inodes report 0 of 0.
    if (isNumber(all) && Number(all) > 0 && free === "0") note(place, "inodes");
  }
  const numbers = (key: string) =>
    columns(key).flatMap(([address = "", value = ""]) => {
      const number = /^\d{1,9}(\.\d{1,9})?$/.test(value) ? Number(value) : null;
      const known = canonicalAddress(address);
      return known === null ? [] : [[known, number] as const];
    });
  return {
    pings: new Map(numbers("ping")),
    sizes: new Map(numbers("size").flatMap(([it, size]) => (size === null ? [] : [[it, size]]))),
    full: [...full.values()],
  };
}

/** The results of two rounds of probes; the second wins. */
export function mergedProbes(first: Probes | null, second: Probes | null): Probes | null {
  if (first === null || second === null) return second ?? first;
  return {
    pings: new Map([...first.pings, ...second.pings]),
    sizes: new Map([...first.sizes, ...second.sizes]),
    full: second.full,
  };
}

function isNumber(text: string): boolean {
  return /^\d{1,15}$/.test(text);
}
