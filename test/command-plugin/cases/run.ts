/** Create, for real: what a command gets, and what becomes of its output. */
import { type Case, output, secret } from "./case";

/** A create that succeeds: its inputs come back with its output. */
function runs(
  title: string,
  inputs: Case["answer"]["properties"],
  stdout: string,
  ...says: string[]
): Case {
  const properties = { ...inputs, stdout, stderr: "" };
  const answer = says.length === 0 ? { properties } : { properties, says };
  return { title, ask: { create: inputs ?? {} }, answer };
}

const linesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => (i + 1).toString());

export const runCases: Case[] = [
  runs("a command runs in /bin/sh", { create: "echo $0" }, "/bin/sh", "/bin/sh"),
  {
    title: "an interpreter is a program, its arguments, and the command as the last one",
    ask: { create: { create: "last", interpreter: ["printf", "%s.", "a", "b c"] } },
    answer: {
      properties: {
        create: "last",
        interpreter: ["printf", "%s.", "a", "b c"],
        stdout: "a.b c.last.",
        stderr: "",
      },
      says: ["a.b c.last."],
    },
  },
  runs(
    "an empty interpreter is none",
    { create: "echo $0", interpreter: [] },
    "/bin/sh",
    "/bin/sh",
  ),
  runs(
    "an interpreter is searched in the plugin's own PATH",
    { create: "a", interpreter: ["echo"], environment: { PATH: "/nowhere" } },
    "a",
    "a",
  ),
  runs("dir is where it runs", { create: "pwd", dir: "/usr" }, "/usr", "/usr"),
  runs(
    "environment comes on top of the engine's",
    { create: 'echo "$FROM_ENGINE $A $B."', environment: { A: "a", B: "" } },
    "inherited a .",
    "inherited a .",
  ),
  runs(
    "environment wins over the engine's",
    { create: "echo $FROM_ENGINE", environment: { FROM_ENGINE: "mine" } },
    "mine",
    "mine",
  ),
  runs("stdin is what it reads", { create: "cat", stdin: "é😀" }, "é😀", "é😀"),
  runs("without stdin it reads nothing", { create: "wc -c", stdin: "" }, "0", "0"),
  runs("stdin that nobody reads is no failure", { create: ":", stdin: "x".repeat(200_000) }, ""),
  runs("stdin may be long", { create: "wc -c", stdin: "x".repeat(200_000) }, "200000", "200000"),
  runs(
    "its streams are pipes that can be opened by name",
    { create: "cat /dev/stdin >/dev/stdout", stdin: "s" },
    "s",
    "s",
  ),
  {
    title: "stdout and stderr are kept apart",
    ask: { create: { create: "echo out; echo err >/dev/stderr", logging: "none" } },
    answer: {
      properties: {
        create: "echo out; echo err >/dev/stderr",
        logging: "none",
        stdout: "out",
        stderr: "err",
      },
    },
  },
  runs("one newline at the end goes, others stay", { create: "printf 'a\\n\\n'" }, "a\n", "a", ""),
  runs(
    "carriage returns stay in the output, not in the log",
    { create: "printf 'a\\r\\n'" },
    "a\r",
    "a",
  ),
  runs("a last line without a newline is a line", { create: "printf 'a\\nb'" }, "a\nb", "a", "b"),
  runs("empty lines are shown", { create: "printf 'a\\n\\nb\\n'" }, "a\n\nb", "a", "", "b"),
  runs("many lines come in order", { create: "seq 300" }, linesOf(300).join("\n"), ...linesOf(300)),
  {
    title: 'logging "stdout" shows stdout only',
    ask: { create: { create: "echo o; echo e >&2", logging: "stdout" } },
    answer: {
      properties: { create: "echo o; echo e >&2", logging: "stdout", stdout: "o", stderr: "e" },
      says: ["o"],
    },
  },
  {
    title: 'logging "stderr" shows stderr only',
    ask: { create: { create: "echo o; echo e >&2", logging: "stderr" } },
    answer: {
      properties: { create: "echo o; echo e >&2", logging: "stderr", stdout: "o", stderr: "e" },
      says: ["e"],
    },
  },
  {
    title: 'logging "stdoutAndStderr" shows both, as does no logging at all',
    ask: { create: { create: "echo e >&2", logging: "stdoutAndStderr" } },
    answer: {
      properties: { create: "echo e >&2", logging: "stdoutAndStderr", stdout: "", stderr: "e" },
      says: ["e"],
    },
  },
  runs("any other logging shows nothing", { create: "echo o", logging: "loud" }, "o"),
  runs(
    "a long line is no matter where it is not shown",
    {
      create: "head -c 70000 /dev/zero | tr '\\0' x | tee /dev/stderr 2>/dev/null | wc -c",
      logging: "none",
    },
    "70000",
  ),
  runs(
    "a line of 65535 bytes can be shown",
    { create: "printf '%065535d\\n' 0" },
    "0".repeat(65_535),
    "0".repeat(65_535),
  ),
  {
    title: "inputs are echoed with their marks, output is plain",
    ask: {
      create: {
        create: secret('cat; echo "$A"'),
        stdin: output({ value: "s", secret: true }),
        environment: { A: secret("e") },
        delete: secret("d"),
        triggers: [secret("t"), { a: secret(1) }],
      },
    },
    answer: {
      properties: {
        create: secret('cat; echo "$A"'),
        stdin: secret("s"),
        environment: { A: secret("e") },
        delete: secret("d"),
        triggers: [secret("t"), { a: secret(1) }],
        stdout: "se",
        stderr: "",
      },
      says: ["se"],
    },
  },
  runs(
    "a command waits for whoever has its output open",
    { create: "(sleep 0.3; echo late) &" },
    "late",
    "late",
  ),
  runs(
    "and for nobody else",
    { create: "sleep 30 >/dev/null 2>&1 & kill $!; echo now" },
    "now",
    "now",
  ),
  runs(
    "commands are in the plugin's own process group, without signals blocked or ignored",
    {
      create:
        'group() { cut -d" " -f5 "/proc/$1/stat"; }; [ "$(group $$)" = "$(group $PPID)" ] && echo same; ' +
        "exec grep -c -E '^Sig(Blk|Ign):.0+$' /proc/self/status",
    },
    "same\n2",
    "same",
    "2",
  ),
];
