/** Pings through the tunnel: which ones a host is to send, and what it says of them and of its disk. */
import { canonicalAddress } from "../host/prefixes";
import { groupLines, words } from "../host/lines";

export interface Probe {
  address: string;
  /** Payload of a larger ping that follows, in bytes; 0: none. */
  size: number;
  /** Seconds until it counts as lost. */
  patience: number;
}

/** Where the other end has lost its session, WireGuard makes a new one after 15 s without an answer. */
export const TUNNEL_S = 18;
/** Outside of the tunnel. */
export const OUTSIDE_S = 2;

export interface Probes {
  /** The best round trip in ms by address; null: lost. */
  pings: ReadonlyMap<string, number | null>;
  /** The largest payload that came back, by address, where larger pings were asked for. */
  sizes: ReadonlyMap<string, number>;
  /** Where nothing can be written any more, and why. */
  full: readonly { place: string; why: "space" | "inodes" | "read-only" }[];
}

/** Of IPv4 and ICMP. */
export const PING_HEADERS = 28;
/** As much as a change writes, with room to spare. */
const LEAST_KB = 1024;
/** Processes at a time on a host. */
const AT_ONCE = 16;

/** Calls of the functions in scripts/push/probe.sh. @throws Error for what is no address. */
export function probeCalls(probes: readonly Probe[]): string {
  const calls = probes.map(({ address, size, patience }, at) => {
    if (canonicalAddress(address) === null) throw new Error("a ping to no address");
    const numbers = [size, patience].map((number) => Math.max(0, Math.trunc(number)));
    return `probe ${address} ${numbers.join(" ")} &\n${(at + 1) % AT_ONCE === 0 ? "wait\n" : ""}`;
  });
  return `${calls.join("")}disk\nwait\nexit 0\n`;
}

/** Lines of another shape count as not there. */
export function parseProbes(output: string): Probes {
  const lines = groupLines(output.split("\n"), " ");
  const columns = (key: string) => (lines.get(key) ?? []).map(words);
  const full = new Map<string, Probes["full"][number]>();
  const note = (place: string | undefined, why: Probes["full"][number]["why"]) => {
    if (place?.startsWith("/") === true) full.set(`${place} ${why}`, { place, why });
  };
  for (const [place] of columns("readonly")) note(place, "read-only");
  for (const [place, free = ""] of columns("disk")) {
    if (isNumber(free) && Number(free) < LEAST_KB) note(place, "space");
  }
  for (const [place, all = "", free = ""] of columns("inodes")) {
    // File systems without a fixed number of them say 0 of 0.
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

function isNumber(text: string): boolean {
  return /^\d{1,15}$/.test(text);
}
