/** Create: the environment of a command, and its output. */
import { type Case, output, secret } from "./case";

/** A create that succeeds and returns its inputs and output. */
function runs(
  title: string,
  inputs: Case["result"]["properties"],
  stdout: string,
  ...log: string[]
): Case {
  const properties = { ...inputs, stdout, stderr: "" };
  const result = log.length === 0 ? { properties } : { properties, log };
  return { title, call: { create: inputs ?? {} }, result };
}

const linesOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => (i + 1).toString());

export const runCases: Case[] = [
  runs("a command runs in /bin/sh", { create: "echo $0" }, "/bin/sh", "/bin/sh"),
  {
    title: "an interpreter is a program with arguments, to which the command is appended",
    call: { create: { create: "last", interpreter: ["printf", "%s.", "a", "b c"] } },
    result: {
      properties: {
        create: "last",
        interpreter: ["printf", "%s.", "a", "b c"],
        stdout: "a.b c.last.",
        stderr: "",
      },
      log: ["a.b c.last."],
    },
  },
  runs(
    "an empty interpreter is the same as none",
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
  runs("a command runs in dir", { create: "pwd", dir: "/usr" }, "/usr", "/usr"),
  runs(
    "environment is added to the engine's",
    { create: 'echo "$FROM_ENGINE $A $B."', environment: { A: "a", B: "" } },
    "inherited a .",
    "inherited a .",
  ),
  runs(
    "environment overrides the engine's",
    { create: "echo $FROM_ENGINE", environment: { FROM_ENGINE: "mine" } },
    "mine",
    "mine",
  ),
  runs("a command reads stdin", { create: "cat", stdin: "é😀" }, "é😀", "é😀"),
  runs("empty stdin is /dev/null", { create: "wc -c", stdin: "" }, "0", "0"),
  runs("unread stdin is not an error", { create: ":", stdin: "x".repeat(200_000) }, ""),
  runs("stdin can be long", { create: "wc -c", stdin: "x".repeat(200_000) }, "200000", "200000"),
  runs(
    "stdin and stdout are pipes that can be opened by name",
    { create: "cat /dev/stdin >/dev/stdout", stdin: "s" },
    "s",
    "s",
  ),
  {
    title: "stdout and stderr are separate",
    call: { create: { create: "echo out; echo err >/dev/stderr", logging: "none" } },
    result: {
      properties: {
        create: "echo out; echo err >/dev/stderr",
        logging: "none",
        stdout: "out",
        stderr: "err",
      },
    },
  },
  runs("one trailing newline is removed", { create: "printf 'a\\n\\n'" }, "a\n", "a", ""),
  runs(
    "carriage returns are kept in the output but not in the log",
    { create: "printf 'a\\r\\n'" },
    "a\r",
    "a",
  ),
  runs("a last line without a newline is logged", { create: "printf 'a\\nb'" }, "a\nb", "a", "b"),
  runs("empty lines are logged", { create: "printf 'a\\n\\nb\\n'" }, "a\n\nb", "a", "", "b"),
  runs(
    "many lines are logged in order",
    { create: "seq 300" },
    linesOf(300).join("\n"),
    ...linesOf(300),
  ),
  {
    title: 'logging "stdout" logs stdout only',
    call: { create: { create: "echo o; echo e >&2", logging: "stdout" } },
    result: {
      properties: { create: "echo o; echo e >&2", logging: "stdout", stdout: "o", stderr: "e" },
      log: ["o"],
    },
  },
  {
    title: 'logging "stderr" logs stderr only',
    call: { create: { create: "echo o; echo e >&2", logging: "stderr" } },
    result: {
      properties: { create: "echo o; echo e >&2", logging: "stderr", stdout: "o", stderr: "e" },
      log: ["e"],
    },
  },
  {
    title: 'logging "stdoutAndStderr" logs both, like the default',
    call: { create: { create: "echo e >&2", logging: "stdoutAndStderr" } },
    result: {
      properties: { create: "echo e >&2", logging: "stdoutAndStderr", stdout: "", stderr: "e" },
      log: ["e"],
    },
  },
  runs("any other logging logs nothing", { create: "echo o", logging: "loud" }, "o"),
  runs(
    "a long line is allowed if it is not logged",
    {
      create: "head -c 70000 /dev/zero | tr '\\0' x | tee /dev/stderr 2>/dev/null | wc -c",
      logging: "none",
    },
    "70000",
  ),
  runs(
    "a line of 65535 bytes can be logged",
    { create: "printf '%065535d\\n' 0" },
    "0".repeat(65_535),
    "0".repeat(65_535),
  ),
  {
    title: "inputs are returned with their secrets; output is not secret",
    call: {
      create: {
        create: secret('cat; echo "$A"'),
        stdin: output({ value: "s", secret: true }),
        environment: { A: secret("e") },
        delete: secret("d"),
        triggers: [secret("t"), { a: secret(1) }],
      },
    },
    result: {
      properties: {
        create: secret('cat; echo "$A"'),
        stdin: secret("s"),
        environment: { A: secret("e") },
        delete: secret("d"),
        triggers: [secret("t"), { a: secret(1) }],
        stdout: "se",
        stderr: "",
      },
      log: ["se"],
    },
  },
  runs(
    "a create waits for background processes that hold its output open",
    { create: "(sleep 0.3; echo late) &" },
    "late",
    "late",
  ),
  runs(
    "a create does not wait for other background processes",
    { create: "sleep 30 >/dev/null 2>&1 & kill $!; echo now" },
    "now",
    "now",
  ),
  runs(
    "commands run in the plugin's process group, without blocked or ignored signals",
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
