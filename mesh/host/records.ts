/** Records of earlier pushes on a host: the owner mark, the confirmed state, and files until the next boot. */
import { confirmedOfFormat2, FORMAT, parseConfirmed, type Confirmed } from "./confirmed";
import type { FileLines } from "./lines";
import { pathsOf, type HostPaths } from "./paths";
import { byRank, secondIn, watchedLinesOfFormat2 } from "./watched-keys";

export interface Records {
  /** Null: the interface has no owner mark. */
  owner: Owner | null;
  /** Owner marks of other interfaces on the same host. */
  otherOwners: ReadonlyMap<string, Owner>;
  /** 0 if nothing was written; 1 and 2 are those of older versions. */
  format: number;
  /** The state that was confirmed last, of any format; null if none was. */
  confirmed: Confirmed | null;
  /** The lines of the record as they are in its file; null in older formats. */
  confirmedFile: readonly string[] | null;
  /** The second interface of the confirmed state, or of a change that was not confirmed; null if there is none. */
  second: string | null;
  /** The current lines of the watcher (watched-keys.ts), sorted, of any format. */
  watched: readonly string[];
  /** The same for the next boot, as in the file; null if it is missing. */
  rotation: readonly string[] | null;
  /** Lines of `watched` whose hosts have answered at the new place for longer than a change can be undone. */
  settled: readonly string[];
  /** The file of periodic tasks (tasks.ts); null if it is missing. */
  tasks: readonly string[] | null;
  /** The lines of the sysctl file; null if it is missing. */
  dropIn: readonly string[] | null;
  /** The lines of the file with the names of nodes; null if it is missing. */
  names: readonly string[] | null;
  /** The lines of the unit that puts names into /etc/hosts again; null if it is missing. */
  namesUnit: readonly string[] | null;
  /** The lines of the settings of the DNS server; null if they are missing. */
  dnsConfig: readonly string[] | null;
  /** The lines of the unit of the DNS server; null if it is missing. */
  dnsUnit: readonly string[] | null;
  /** Token of a change by an older version that is not confirmed. */
  pendingOfFormat2: string | null;
  /** Token of the last change that was undone in this boot. */
  rolledBack: string | null;
}

/** The owner mark. */
export interface Owner {
  /** `PROJECT/STACK` */
  stack: string;
  node: string;
  /** PushRequest.machine; empty in marks of the first version. */
  machine: string;
  /** Any stack may take the interface over by its next push. */
  released: boolean;
}

export function recordsOf(files: FileLines, name: string): Records {
  const paths = pathsOf(name);
  const { run } = paths;
  const confirmedFile = files.get(paths.confirmed) ?? null;
  const confirmed =
    confirmedFile === null ? confirmedOfFormat2(files, paths) : parseConfirmed(confirmedFile);
  const watched = watchedIn(files, name, run);
  return {
    owner: ownerOf(files.get(paths.owner)),
    otherOwners: otherOwners(files, name),
    format: formatIn(files, paths),
    confirmed,
    confirmedFile,
    second: confirmed?.alternate ?? secondIn(watched),
    watched,
    rotation: files.get(paths.rotation) ?? null,
    settled: files.get(`${run}/settled`) ?? [],
    tasks: files.get(paths.tasks) ?? null,
    dropIn: files.get(paths.dropIn) ?? null,
    names: files.get(paths.names) ?? null,
    namesUnit: files.get(paths.namesUnit) ?? null,
    dnsConfig: files.get(paths.dnsConfig) ?? null,
    dnsUnit: files.get(paths.dnsUnit) ?? null,
    pendingOfFormat2: confirmedFile === null ? (files.get(`${run}/pending`)?.[0] ?? null) : null,
    rolledBack: files.get(`${run}/rolled-back`)?.[0] ?? null,
  };
}

function watchedIn(files: FileLines, name: string, run: string): string[] {
  const lines = files.get(`${run}/rotation`);
  return lines === undefined
    ? watchedLinesOfFormat2(name, files.get(`${run}/keys`) ?? [])
    : [...lines].sort(byRank);
}

/** Parses the three lines of an owner mark; the single line `any` is a released one. */
function ownerOf(lines: readonly string[] | undefined): Owner | null {
  if (lines === undefined) return null;
  const [stack = "", node = "", machine = ""] = lines;
  return { stack, node, machine, released: stack === "any" && node === "" };
}

function otherOwners(files: FileLines, name: string): Map<string, Owner> {
  const owners = new Map<string, Owner>();
  for (const [path, lines] of files) {
    const [, other] = /^\/var\/lib\/wireguard-mesh\/([^/]+)\/owner$/.exec(path) ?? [];
    const owner = ownerOf(lines);
    if (other !== undefined && other !== name && owner !== null) owners.set(other, owner);
  }
  return owners;
}

/** Reads both files, because an older version writes only `format`, and may have run since. */
function formatIn(files: FileLines, { state, owner, confirmed }: HostPaths): number {
  const recorded = files.get(confirmed)?.find((line) => line.startsWith("format "));
  const texts = [files.get(`${state}/format`)?.[0], recorded?.slice("format ".length)];
  const numbers = texts.flatMap((text) => (text === undefined ? [] : [Number(text)]));
  // An invalid number is from a newer version.
  const readable = numbers.map((number) => (Number.isInteger(number) ? number : FORMAT + 1));
  return Math.max(files.has(owner) ? 1 : 0, ...readable);
}
