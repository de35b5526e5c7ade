/** The program that runs on a host: the parts in scripts/push/host as one text, and how it is called. */
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
 * The parts in the order of their names. It only defines functions and calls `main` with its arguments. In braces, so that a
 * shell runs nothing before it has read all: cut short, a function's name could be that of another function or a command.
 */
export function hostProgram(): string {
  text ??= readParts(shellSource("host"));
  return text;
}

/** The same, as the file that it is on a host. */
export function hostScript(): HostScript {
  return { text: hostProgram(), digest: sha256(hostProgram()) };
}

/**
 * Text for `sh -s`: the program and a call. It ends with one line, so that bash, which reads a line at a time, leaves what
 * follows to the program. `questions`: see conversation.ts.
 * @throws Error for a word that the shell would take apart.
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

/** An observation more, for a shell that has read the program and is kept. It ends where that fails. */
export function observedAgain(name: string, token: string, questions: string): string {
  return `(${callOf(["status", name, token], questions)}) || exit\n`;
}

/** The same, of what changes by itself only: the clock, and the interfaces as in an observation. */
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
  // As a variable of the shell, so that secrets among them are in no argument, environment or file.
  if (questions.includes("'")) throw new Error("a question of a host call has a quote in it");
  return `QUESTIONS='${questions}'; ${quoted.join(" ")}`;
}

function readParts(folder: string): string {
  const parts = fs.readdirSync(folder).filter((name) => name.endsWith(".sh"));
  const texts = parts.sort().map((name) => fs.readFileSync(path.join(folder, name), "utf8"));
  return `{\n${texts.join("")}}\n`;
}
