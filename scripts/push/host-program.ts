/** The host program: the shell files in scripts/push/host as one text, and how it is called. */
import * as fs from "node:fs";
import * as path from "node:path";
import type { HostScript } from "../../mesh/host/commit";
import { shellSource } from "./shell-source";
import { sha256 } from "./wanted-state";

export type Verb =
  | "status"
  | "mend"
  | "push"
  | "confirm"
  | "remove"
  | "own-key"
  | "host-key"
  | "certificate"
  | "identity";

let text: string | null = null;

/**
 * The files in the order of their names. The text is in braces, so that a shell runs nothing until it has read all of it,
 * even if the connection breaks.
 */
export function hostProgram(): string {
  text ??= readParts(shellSource("host"));
  return text;
}

/** The same, as a file on the host. */
export function hostScript(): HostScript {
  return { text: hostProgram(), digest: sha256(hostProgram()) };
}

/**
 * Text for `sh -s`: the program and a call, which is one line, so that the shell leaves the rest of stdin to the program.
 * `questions`: see conversation.ts.
 * @throws Error for a word that needs quoting.
 */
export function hostCall(
  verb: Verb,
  name: string,
  token: string,
  words: readonly string[] = [],
  questions = "",
): string {
  return `${hostProgram()}${callOf([verb, name, token, ...words], questions)}; exit\n`;
}

/** Another observation, in a shell that has read the program already. */
export function observedAgain(name: string, token: string, questions: string): string {
  return `(${callOf(["status", name, token], questions)}) || exit\n`;
}

/** The same, but only the clock and WireGuard's state. */
export function lookedAt(name: string, token: string): string {
  callOf([name, token], "");
  const sections = "section now; date +%s; section wg; observe_wireguard; section end";
  return `(set_paths ${name}; TOKEN=${token} QUESTIONS=; ${sections}) || exit\n`;
}

function callOf(words: readonly string[], questions: string): string {
  const call = ["main", ...words];
  const odd = call.find((word) => !/^[A-Za-z0-9_=+./:@, -]+$/.test(word));
  if (odd !== undefined) throw new Error("a word of a host call is not plain");
  const quoted = call.map((word) => (word.includes(" ") ? `'${word}'` : word));
  // In a shell variable, so that secrets are in no argument, environment or file.
  if (questions.includes("'")) throw new Error("a question of a host call has a quote in it");
  return `QUESTIONS='${questions}'; ${quoted.join(" ")}`;
}

function readParts(folder: string): string {
  const parts = fs.readdirSync(folder).filter((name) => name.endsWith(".sh"));
  const texts = parts.sort().map((name) => fs.readFileSync(path.join(folder, name), "utf8"));
  return `{\n${texts.join("")}}\n`;
}
