/** The protocol of one login: the host program prints its observation, and reads one answer. */
import { randomBytes } from "node:crypto";
import { ObservationError, parseObservation, type Observation } from "../../mesh/host/observation";
import { hostCall, hostProgram, lookedAt, observedAgain, type Verb } from "./host-program";
import { refreshed } from "../../mesh/host/refreshed";
import { LOCK_ON_HOST_MS, OBSERVE_MS } from "./limits";
import { PushError } from "./push-error";
import { SessionLost, type HostRun, type Session } from "./session";

/** Optional parts of an observation. */
export interface Questions {
  /** Lines `INTERFACE<tab>PUBLICKEY<tab>PRESHAREDKEY` to compare with the running ones. Secret. */
  presharedKeys: string;
  /** Names to resolve. */
  names: readonly string[];
  /** Whether to list the public halves of private keys on the host. */
  ownKeys: boolean;
  /** Whether to list the host's own packet filter (nft, iptables). */
  hostFilter: boolean;
  /** Whether to list this program's nft table even if the host has no file of it. */
  ownTable: boolean;
  /** Whether to list the sockets at port 53. */
  dns?: boolean;
  /** Whether to print the stored states for a rollback. */
  generations?: boolean;
}

export const NO_QUESTIONS: Questions = {
  presharedKeys: "",
  names: [],
  ownKeys: false,
  hostFilter: false,
  ownTable: false,
};

export interface Call {
  verb: Verb;
  interface: string;
  /** Separates the sections of the host's output, and identifies a change. */
  token: string;
  words?: readonly string[];
}

export function newToken(): string {
  return randomBytes(16).toString("hex");
}

/** The host found that another change began after this login. */
export class Overtaken extends PushError {
  override readonly name = "Overtaken";
}

/**
 * Starts the host program and returns its observation. The program then reads an answer until the end of its stdin.
 * @throws Overtaken, PushError with the host's error, SessionLost.
 */
export async function observe(
  session: Session,
  node: string,
  call: Call,
  questions: Questions,
): Promise<Observation> {
  const { verb, token, words } = call;
  session.send(hostCall(verb, call.interface, token, words, linesOf(questions)));
  return observationIn(await sectionsFrom(session, node, token), node, call.interface);
}

/** A host program that keeps running in one login and can be asked repeatedly. */
export class ProgramSession {
  private last: Observation | null = null;

  constructor(
    private readonly session: Session,
    private readonly node: string,
    private readonly name: string,
  ) {
    session.send(hostProgram());
  }

  /** As observe, by the verb `status`. */
  async observe(questions: Questions): Promise<Observation> {
    const token = newToken();
    const sections = await this.ask(token, observedAgain(this.name, token, linesOf(questions)));
    return (this.last = observationIn(sections, this.node, this.name));
  }

  /** The last observation with current handshakes, endpoints and counters. Cheaper than `observe`. */
  async look(): Promise<Observation> {
    if (this.last === null) throw new Error("a look needs an observation before it");
    const token = newToken();
    const sections = await this.ask(token, lookedAt(this.name, token));
    return (this.last = refreshed(this.last, sections));
  }

  /** Runs a script in a subshell without stdin, and returns the lines that it prints. @throws SessionLost */
  run(script: string, limitMs: number): Promise<string[]> {
    const end = `@${newToken()} end`;
    this.session.send(`(${script}\n) </dev/null\necho '${end}'\n`);
    return this.session.until(end, limitMs);
  }

  private ask(token: string, call: string): Promise<Map<string, string[]>> {
    this.session.send(call);
    return sectionsFrom(this.session, this.node, token);
  }
}

/** @throws Overtaken, PushError with the host's error, SessionLost. */
async function sectionsFrom(
  session: Session,
  node: string,
  token: string,
): Promise<Map<string, string[]>> {
  try {
    return sectionsOf(await session.until(`@${token} end`, LOCK_ON_HOST_MS + OBSERVE_MS), token);
  } catch (problem) {
    if (!(problem instanceof SessionLost)) throw problem;
    if (/^overtaken$/m.test(problem.run.stdout))
      throw new Overtaken(`${node}: another change came first`);
    throw complaint(node, problem.run) ?? problem;
  }
}

function observationIn(
  sections: ReadonlyMap<string, readonly string[]>,
  node: string,
  name: string,
): Observation {
  try {
    return parseObservation(sections, name);
  } catch (problem) {
    if (!(problem instanceof ObservationError)) throw problem;
    throw new PushError(
      `${node}: ${problem.message}; nothing was changed\nlook on the host what is wrong with it: ip -j address show; ip -j route show`,
    );
  }
}

/** Sends the answer, and returns the rest of the output. */
export function answer(session: Session, text: string, limitMs: number): Promise<HostRun> {
  session.send(text);
  return session.finish(limitMs);
}

/** The host's error and remedy; null if it printed none. */
export function complaint(node: string, run: HostRun): PushError | null {
  const words = parseComplaint(run.stderr);
  return words === null ? null : new PushError(`${node}: ${words}`);
}

/** The last `error:` on stderr with its `remedy:`, without these prefixes; null if there is none. */
export function parseComplaint(stderr: string): string | null {
  const lines = stderr.split("\n");
  const last = lines.map((line) => line.startsWith("error: ")).lastIndexOf(true);
  if (last === -1) return null;
  const remedies = lines.slice(last).filter((line) => line.startsWith("remedy: "));
  const [error = "", ...words] = [lines[last] ?? "", ...remedies].map((line) =>
    line.slice(line.indexOf(": ") + 2),
  );
  return [error, ...words.map((word) => remedyFor(error) ?? word)].join("\n");
}

/** The texts of lines `KEY TEXT`. */
export function linesWith(key: string, output: string): string[] {
  const start = `${key} `;
  return output
    .split("\n")
    .flatMap((line) => (line.startsWith(start) ? [line.slice(start.length)] : []));
}

/** Lines `psk<tab>…`, `name<tab>HOST`, `keys`, `filter`, `table`, `dns`, `generations`. */
function linesOf({ presharedKeys, names, ...flags }: Questions): string {
  const psk = presharedKeys.replace(/^(?=.)/gm, "psk\t");
  const resolve = names.map((name) => `name\t${name}\n`).join("");
  const { ownKeys, hostFilter, ownTable, dns = false, generations = false } = flags;
  const words = { keys: ownKeys, filter: hostFilter, table: ownTable, dns, generations };
  const asked = Object.entries(words).filter(([, is]) => is);
  return psk + resolve + asked.map(([word]) => `${word}\n`).join("");
}

function sectionsOf(lines: readonly string[], token: string): Map<string, string[]> {
  const sections = new Map<string, string[]>();
  let current: string[] = [];
  const mark = `@${token} `;
  for (const line of lines) {
    if (line.startsWith(mark)) {
      current = [];
      sections.set(line.slice(mark.length), current);
    } else {
      current.push(line);
    }
  }
  return sections;
}

/** Remedies by strerror(3) text of write(2), open(2) and rename(2). */
const WRITE_REMEDIES: [RegExp, (path: string) => string][] = [
  [
    /No space left/,
    (path) =>
      `make room there: df -h ${folderOf(path)}; if that is not full, it has no inodes left: df -i ${folderOf(path)}`,
  ],
  [
    /Read-only file system/,
    (path) =>
      `see why it is read-only (dmesg | tail; findmnt -T ${path}), then: mount -o remount,rw the mount point`,
  ],
  [
    /Operation not permitted/,
    (path) => `it may be immutable: lsattr -d ${path} ${folderOf(path)}; then: chattr -i ${path}`,
  ],
  [
    /Device or resource busy/,
    (path) => `it is a mount point: findmnt ${path}; take the mount away: umount ${path}`,
  ],
  [
    /Not a directory/,
    (path) => `a file is where a folder should be: ls -ld ${folderOf(path)}; move it away`,
  ],
  [/File exists/, (path) => `a file is where a folder should be: ls -ld ${path}; move it away`],
  [/Is a directory/, (path) => `a folder is where a file should be: ls -ld ${path}; move it away`],
  [/Disk quota exceeded/, () => "root is out of quota there: quota -u root"],
  [
    /Permission denied/,
    (path) =>
      `root may not write there (SELinux, AppArmor or a network file system): ls -lZd ${path}`,
  ],
];

/** A remedy for a write error; null: use the host's own. */
function remedyFor(error: string): string | null {
  const [, path] = /^cannot write (\S+): /.exec(error) ?? [];
  const [, remedy] = WRITE_REMEDIES.find(([sign]) => sign.test(error)) ?? [];
  return path === undefined ? null : (remedy?.(path) ?? null);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}
