/** A change of a host as data: steps, steps to undo them, and files. Rendered, it is the text that the host gets. */
import { Secret } from "../secret";

export interface Change {
  /** Done while staging, during the first login. They are never undone. */
  now: NowStep[];
  /** In order; if one fails, all of `undo` follows. Empty if nothing running differs. */
  apply: LiveStep[];
  /** Restores the observed state after any part of `apply`. May run twice. */
  undo: LiveStep[];
  /** After the confirmation: first the filter file, if it changes, and the live config; then the rest. */
  commit: CommitStep[];
}

/** A change of the running system. */
export type LiveStep =
  /** Creates the interface if it does not exist. */
  | { do: "link"; interface: string }
  /** Deletes the interface if it exists. */
  | { do: "unlink"; interface: string }
  /** `wg addconf` (wg(8)). */
  | { do: "wg"; interface: string; text: Secret }
  /** Removes peers by public key. */
  | { do: "forget"; interface: string; keys: string[] }
  /**
   * Removes the peer `key` if `tried` has had a handshake, after a second: handshake times are in seconds, and the next one
   * must be later.
   */
  | { do: "leave"; interface: string; tried: string; key: string }
  /** Lines for `ip -batch`, or `ip -6 -batch`. */
  | { do: "ip" | "ip6"; lines: string[] }
  /** A key such as `net/ipv4/ip_forward`. */
  | { do: "sysctl"; key: string; value: string }
  /** Lines for `nft -f`, applied atomically. */
  | { do: "nft"; lines: string[] }
  /** Waits for a handshake after the change, from the endpoint if one is given. */
  | { do: "shake"; interface: string; seconds: number; key: string; endpoint: string | null }
  /** Waits until the session has roamed to the endpoint; sets it after a timeout. */
  | { do: "roam"; interface: string; seconds: number; key: string; endpoint: string }
  /** Pings the address until it answers, for a few seconds. */
  | { do: "reach"; address: string }
  /** Restarts the watcher of rotating keys with the lines of watched-keys.ts; with none it ends. */
  | { do: "watch"; lines: string[] }
  /** Pings each address once, in the background. */
  | { do: "ping"; addresses: string[] };

/** Writes a file atomically; `mode` in octal. */
export interface PlaceStep {
  do: "place";
  path: string;
  mode: string;
  text: Secret;
}

export type NowStep = PlaceStep;

export type CommitStep =
  | PlaceStep
  | { do: "delete"; path: string }
  /** A unit of systemd. */
  | { do: "enable" | "disable"; unit: string }
  /** Copies the file `names` to the block in /etc/hosts; removes the block if there is no file. */
  | { do: "hosts"; names: string }
  /** The DNS server of a relay: `reload` after its names changed, `restart` after its settings. */
  | { do: "dns"; verb: "restart" | "reload" | "stop" }
  /** A script in OpenRC's default runlevel. */
  | { do: "openrc"; verb: "add" | "del"; name: string }
  /** Starts the periodic tasks, or ends them if their file is gone. */
  | { do: "tasks" }
  /** Stores the state for a rollback, with this line (stored-request.ts). Must follow the record. */
  | { do: "keep"; text: Secret }
  /** Deletes private keys that no interface uses. */
  | { do: "forget-keys" };

/**
 * The text of a change: pieces that begin with a line `@ NAME`, each further line after one space. The pieces `now`,
 * `apply`, `undo` and `commit` hold one step in a line; the others are numbered, and steps name them.
 */
export function renderChange(change: Change): Secret {
  const pieces: string[][] = [];
  const piece = (lines: string[]): number => pieces.push(lines);
  const list = (name: string, steps: readonly (LiveStep | CommitStep)[]) =>
    renderPiece(
      name,
      steps.map((step) => renderStep(step, piece)),
    );
  const steps = [
    ...list("now", change.now),
    ...list("apply", change.apply),
    ...list("undo", change.undo),
    ...list("commit", change.commit),
  ];
  const data = pieces.flatMap((lines, at) => renderPiece(String(at + 1), lines));
  return Secret.of([...steps, ...data].map((line) => `${line}\n`).join(""));
}

function renderPiece(name: string, lines: readonly string[]): string[] {
  return [`@ ${name}`, ...lines.map((line) => ` ${line}`)];
}

/** `piece` adds a numbered piece and returns its number. */
function renderStep(step: LiveStep | CommitStep, piece: (lines: string[]) => number): string {
  switch (step.do) {
    case "link":
    case "unlink":
      return `${step.do} ${step.interface}`;
    case "wg":
      return `wg ${step.interface} ${piece(linesOf(step.text))}`;
    case "forget":
      return ["set", step.interface, ...step.keys.map((key) => `peer ${key} remove`)].join(" ");
    case "ip":
    case "ip6":
    case "nft":
      return `${step.do} ${piece(step.lines)}`;
    case "sysctl":
      return `sysctl ${step.key} ${step.value}`;
    case "shake":
    case "roam":
      return `${step.do} ${step.interface} ${step.seconds} ${step.key} ${step.endpoint ?? "-"}`;
    case "reach":
      return `reach ${step.address}`;
    case "watch":
      return `watch ${step.lines.length === 0 ? "-" : piece(step.lines)}`;
    case "leave":
      return `leave ${step.interface} ${step.tried} ${step.key}`;
    case "ping":
      return `ping ${step.addresses.join(" ")}`;
    case "place":
      return `place ${piece(linesOf(step.text))} ${step.mode} ${step.path}`;
    case "delete":
      return `delete ${step.path}`;
    case "enable":
    case "disable":
      return `${step.do} ${step.unit}`;
    case "hosts":
      return `hosts ${step.names}`;
    case "dns":
      return `dns ${step.verb}`;
    case "openrc":
      return `openrc ${step.verb} ${step.name}`;
    case "keep":
      return `keep ${piece(linesOf(step.text))}`;
    case "tasks":
    case "forget-keys":
      return step.do;
  }
}

/** Texts end with a newline. */
function linesOf(text: Secret): string[] {
  return text.reveal().replace(/\n$/, "").split("\n");
}
