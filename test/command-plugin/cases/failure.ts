/** Create and update that fail: the words, and that no state comes back (so the engine records none). */
import { type Case, secret } from "./case";

/** A create that fails with what the program said. */
function fails(
  title: string,
  inputs: Record<string, string | string[]>,
  error: string,
  ...says: string[]
): Case {
  const answer = { error: `UNKNOWN: ${error}` };
  return {
    title,
    ask: { create: inputs },
    answer: says.length === 0 ? answer : { ...answer, says },
  };
}

export const failureCases: Case[] = [
  fails(
    "exit status, command, output",
    { create: "echo why; exit 3" },
    'exit status 3: running "echo why; exit 3":\nwhy\n',
    "why",
  ),
  fails("without output", { create: "exit 1" }, 'exit status 1: running "exit 1":\n'),
  fails(
    "output is told whether it is shown or not",
    { create: "echo why >&2; false", logging: "none" },
    'exit status 1: running "echo why >&2; false":\nwhy\n',
  ),
  fails(
    "by a signal",
    { create: "kill -TERM $$" },
    'signal: terminated: running "kill -TERM $$":\n',
  ),
  fails("killed", { create: "kill -KILL $$" }, 'signal: killed: running "kill -KILL $$":\n'),
  fails(
    "broken pipe",
    { create: "kill -PIPE $$" },
    'signal: broken pipe: running "kill -PIPE $$":\n',
  ),
  fails(
    "user signal",
    { create: "kill -USR1 $$" },
    'signal: user defined signal 1: running "kill -USR1 $$":\n',
  ),
  fails(
    "the command is quoted as Go does",
    { create: "# \"a\"\t'b\\c' é \u0001 😀 \u00a0 \u200b \u007f\nexit 1" },
    `exit status 1: running "# \\"a\\"\\t'b\\\\c' é \\x01 😀 \\u00a0 \\u200b \\x7f\\nexit 1":\n`,
  ),
  fails(
    "an interpreter that is not there",
    { create: "x", interpreter: ["nosuch"] },
    'exec: "nosuch": executable file not found in $PATH: running "x":\n',
  ),
  fails(
    "an interpreter's path that is not there",
    { create: "x", interpreter: ["/nosuch"] },
    'fork/exec /nosuch: no such file or directory: running "x":\n',
  ),
  fails(
    "an interpreter that cannot be run",
    { create: "x", interpreter: ["/etc/passwd"] },
    'fork/exec /etc/passwd: permission denied: running "x":\n',
  ),
  fails(
    "an interpreter without a name",
    { create: "x", interpreter: [""] },
    'exec: no command: running "x":\n',
  ),
  fails(
    "a folder that is not there",
    { create: "pwd", dir: "/nosuch" },
    'chdir /nosuch: no such file or directory: running "pwd":\n',
  ),
  fails(
    "a folder that is none",
    { create: "pwd", dir: "/etc/passwd" },
    'fork/exec /bin/sh: not a directory: running "pwd":\n',
  ),
  fails(
    "a NUL in the command",
    { create: "echo a\0b" },
    'fork/exec /bin/sh: invalid argument: running "echo a\\x00b":\n',
  ),
  {
    title: "a NUL in the environment",
    ask: { create: { create: "x", environment: { A: "a\0b" } } },
    answer: { error: 'UNKNOWN: exec: environment variable contains NUL: running "x":\n' },
  },
  {
    title: "a secret stdin is not in the error",
    ask: { create: { create: "exit 1", stdin: secret("s3cr3t") } },
    answer: { error: 'UNKNOWN: exit status 1: running "exit 1":\n' },
  },
  {
    title: "a secret command is in the error, in clear",
    ask: { create: { create: secret("exit 1 # s3cr3t") } },
    answer: { error: 'UNKNOWN: exit status 1: running "exit 1 # s3cr3t":\n' },
  },
  {
    title: "output that is not UTF-8 fails, though the command did not",
    ask: { create: { create: "printf 'h\\351'", logging: "none" } },
    answer: {
      error: "INTERNAL: grpc: error while marshaling: string field contains invalid UTF-8",
    },
  },
  fails(
    "output that is not UTF-8 is told as far as it goes",
    { create: "printf 'h\\351'; false", logging: "none" },
    `exit status 1: running "printf 'h\\\\351'; false":\nh\ufffd`,
  ),
  {
    title: "an update that fails leaves no new state",
    ask: { update: { create: "exit 7" }, olds: { create: ":", stdout: "", stderr: "" } },
    answer: { error: 'UNKNOWN: exit status 7: running "exit 7":\n' },
  },
  {
    title: "out of time: the command is killed",
    ask: { create: { create: "echo before; exec sleep 30" }, timeout: 1 },
    answer: {
      error: 'UNKNOWN: signal: killed: running "echo before; exec sleep 30":\nbefore\n',
      says: ["before"],
    },
  },
  {
    title: "a delete is killed when out of time, too",
    ask: { delete: { delete: "exec sleep 30", stdout: "", stderr: "" }, timeout: 1 },
    answer: { error: 'UNKNOWN: signal: killed: running "exec sleep 30":\n' },
  },
  {
    title: "less than a second is no time at all",
    ask: { create: { create: "echo never" }, timeout: 0.5 },
    answer: { error: 'DEADLINE_EXCEEDED: context deadline exceeded: running "echo never":\n' },
  },
  {
    title: "inputs that Check would have refused",
    ask: { create: { create: 1 } },
    answer: {
      error:
        "UNKNOWN: invalid inputs: 1 failures decoding:" +
        "\n\tcreate: Field 'create' on 'local.CommandInputs' must be a 'string'; got 'float64' instead",
    },
  },
];
