/** Text as Go's standard library formats it: quoted strings, exit states, start failures. */
import * as fs from "node:fs";
import * as path from "node:path";

/** Go's strconv.Quote. */
export function goQuote(text: string): string {
  const inside = Array.from(
    text,
    (character) =>
      escapes[character] ?? (printable.test(character) ? character : escapeCode(character)),
  );
  return `"${inside.join("")}"`;
}

const escapes: Record<string, string> = {
  '"': '\\"',
  "\\": "\\\\",
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
};

/** Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols and the ASCII space. */
const printable = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

function escapeCode(character: string): string {
  const point = character.codePointAt(0) ?? 0;
  const hex = point.toString(16);
  if (point < 0x80) return `\\x${hex.padStart(2, "0")}`;
  return point > 0xffff ? `\\U${hex.padStart(8, "0")}` : `\\u${hex.padStart(4, "0")}`;
}

/** Go's os.ProcessState.String, for a process that failed. */
export function exitText(exitCode: number | null, signal: NodeJS.Signals | null): string {
  if (signal === null) return `exit status ${exitCode ?? "unknown"}`;
  return `signal: ${signals[signal] ?? signal}`;
}

const signals: Partial<Record<NodeJS.Signals, string>> = {
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGQUIT: "quit",
  SIGILL: "illegal instruction",
  SIGTRAP: "trace/breakpoint trap",
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGKILL: "killed",
  SIGUSR1: "user defined signal 1",
  SIGSEGV: "segmentation fault",
  SIGUSR2: "user defined signal 2",
  SIGPIPE: "broken pipe",
  SIGALRM: "alarm clock",
  SIGTERM: "terminated",
};

/** A process could not be started; the message is Go's. */
export class StartFailure extends Error {}

/** Go's exec.LookPath: a bare name is searched in the plugin's PATH, not in the command's. @throws StartFailure */
export function lookPath(name: string): string {
  if (name === "") throw new StartFailure("exec: no command");
  if (name.includes("/")) return name;
  const folders = (process.env["PATH"] ?? "").split(":");
  const found = folders.map((folder) => path.join(folder, name)).find(isExecutable);
  if (found === undefined)
    throw new StartFailure(`exec: ${goQuote(name)}: executable file not found in $PATH`);
  return found;
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Go's os.StartProcess checks the folder first. @throws StartFailure */
export function checkFolder(folder: string): void {
  try {
    fs.statSync(folder);
  } catch (problem) {
    throw new StartFailure(`chdir ${folder}: ${errnoText(problem)}`);
  }
}

/** Go's error when fork or exec fails. */
export function startFailure(file: string, problem: unknown): StartFailure {
  return new StartFailure(`fork/exec ${file}: ${errnoText(problem)}`);
}

function errnoText(problem: unknown): string {
  const { code, message } = problem as NodeJS.ErrnoException;
  return errnoTexts[code ?? ""] ?? message;
}

const errnoTexts: Record<string, string> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  ENOTDIR: "not a directory",
  ENOEXEC: "exec format error",
  E2BIG: "argument list too long",
  EAGAIN: "resource temporarily unavailable",
  ERR_INVALID_ARG_VALUE: "invalid argument",
};
