/** The message to a host and its answer, by the push protocol: lines `KEY VALUE`. */
import * as fs from "node:fs";
import * as path from "node:path";

/** What every verb is told. */
export interface Marks {
  interface: string;
  owner: string;
  node: string;
  machine: string;
}

export type Verb =
  "apply" | "confirm" | "facts" | "remove" | "own-key" | "host-key" | "certificate" | "identity";

/**
 * The text for `sh -s`: the host's script, which only defines functions, and the call with its payload.
 * @throws Error for a value with a line break, which could pass for another line.
 */
export function composeMessage(
  verb: Verb,
  marks: Marks,
  more: Record<string, string | number> = {},
): string {
  const { interface: name, owner, node, machine } = marks;
  const values = { verb, interface: name, owner, node, machine, ...more };
  const lines = Object.entries(values).map(([key, value]) => `${key} ${oneLine(key, value)}`);
  // prove_way (host/50-change.sh) reads the operator's answer from the script's own stdin.
  const stdin = verb === "confirm" ? "7<&0 " : "";
  const main = `main ${stdin}<<'END_OF_PAYLOAD'`;
  return [hostScript(), main, ...lines, "end", "END_OF_PAYLOAD", ""].join("\n");
}

/** Values by key, in the order in which the host gave them. Lines of another form are passed over. */
export function parseAnswer(stdout: string): Map<string, string[]> {
  const answer = new Map<string, string[]>();
  for (const line of stdout.split("\n")) {
    const match = /^([a-z0-9-]+)(?: (.*))?$/.exec(line);
    if (match === null) continue;
    const [, key = "", value = ""] = match;
    answer.set(key, [...(answer.get(key) ?? []), value]);
  }
  return answer;
}

/** The host's last words on stderr: `error: ` and `remedy: ` lines, without those marks; null when it gave none. */
export function parseComplaint(stderr: string): string | null {
  const lines = stderr.split("\n");
  const last = lines.map((line) => line.startsWith("error: ")).lastIndexOf(true);
  if (last === -1) return null;
  const remedies = lines.slice(last).filter((line) => line.startsWith("remedy: "));
  const words = [lines[last] ?? "", ...remedies].map((line) => line.slice(line.indexOf(": ") + 2));
  return words.join("\n");
}

let read: string | null = null;

/** The host's script: the parts in scripts/push/host in the order of their names, as one text without a last newline. */
export function hostScript(): string {
  read ??= readParts(partsFolder());
  return read;
}

function readParts(folder: string): string {
  const parts = fs.readdirSync(folder).filter((name) => name.endsWith(".sh"));
  const texts = parts.sort().map((name) => fs.readFileSync(path.join(folder, name), "utf8"));
  return texts.join("\n").trimEnd();
}

/** Beside this file in the repository; this file itself may be the compiled one in dist/scripts/push. */
function partsFolder(): string {
  const beside = path.join(__dirname, "host");
  return fs.existsSync(beside) ? beside : path.join(__dirname, "../../../scripts/push/host");
}

function oneLine(key: string, value: string | number): string {
  const text = `${value}`;
  if (/[\r\n\0]/.test(text)) throw new Error(`the value of ${key} has a line break in it`);
  return text;
}
