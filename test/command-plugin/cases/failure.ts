/** Failing creates and updates: the error message, and no state, so that the engine records none. */
import { type Case, secret } from "./case";

/** A create that fails with this error and logs these lines. */
function fails(
  title: string,
  inputs: Record<string, string | string[]>,
  error: string,
  ...log: string[]
): Case {
  const result = { error: `UNKNOWN: ${error}` };
  return {
    title,
    call: { create: inputs },
    result: log.length === 0 ? result : { ...result, log },
  };
}

export const failureCases: Case[] = [
  fails(
    "the error has exit status, command and output",
    { create: "echo why; exit 3" },
    'exit status 3: running "echo why; exit 3":\nwhy\n',
    "why",
  ),
  fails("no output", { create: "exit 1" }, 'exit status 1: running "exit 1":\n'),
  fails(
    "the error has the output even without logging",
    { create: "echo why >&2; false", logging: "none" },
    'exit status 1: running "echo why >&2; false":\nwhy\n',
  ),
  fails(
    "terminated by a signal",
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
    "an interpreter that does not exist",
    { create: "x", interpreter: ["nosuch"] },
    'exec: "nosuch": executable file not found in $PATH: running "x":\n',
  ),
  fails(
    "an interpreter path that does not exist",
    { create: "x", interpreter: ["/nosuch"] },
    'fork/exec /nosuch: no such file or directory: running "x":\n',
  ),
  fails(
    "an interpreter that is not executable",
    { create: "x", interpreter: ["/etc/passwd"] },
    'fork/exec /etc/passwd: permission denied: running "x":\n',
  ),
  fails(
    "an empty interpreter name",
    { create: "x", interpreter: [""] },
    'exec: no command: running "x":\n',
  ),
  fails(
    "a folder that does not exist",
    { create: "pwd", dir: "/nosuch" },
    'chdir /nosuch: no such file or directory: running "pwd":\n',
  ),
  fails(
    "a folder that is a file",
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
    call: { create: { create: "x", environment: { A: "a\0b" } } },
    result: { error: 'UNKNOWN: exec: environment variable contains NUL: running "x":\n' },
  },
  {
    title: "a secret stdin is not in the error",
    call: { create: { create: "exit 1", stdin: secret("s3cr3t") } },
    result: { error: 'UNKNOWN: exit status 1: running "exit 1":\n' },
  },
  {
    title: "a secret command is in the error, in clear",
    call: { create: { create: secret("exit 1 # s3cr3t") } },
    result: { error: 'UNKNOWN: exit status 1: running "exit 1 # s3cr3t":\n' },
  },
  {
    title: "output that is not UTF-8 is an error although the command succeeded",
    call: { create: { create: "printf 'h\\351'", logging: "none" } },
    result: {
      error: "INTERNAL: grpc: error while marshaling: string field contains invalid UTF-8",
    },
  },
  fails(
    "output that is not UTF-8 is in the error with replacement characters",
    { create: "printf 'h\\351'; false", logging: "none" },
    `exit status 1: running "printf 'h\\\\351'; false":\nh\ufffd`,
  ),
  {
    title: "a failing update returns no state",
    call: { update: { create: "exit 7" }, olds: { create: ":", stdout: "", stderr: "" } },
    result: { error: 'UNKNOWN: exit status 7: running "exit 7":\n' },
  },
  {
    title: "a create is killed after its timeout",
    call: { create: { create: "echo before; exec sleep 30" }, timeout: 1 },
    result: {
      error: 'UNKNOWN: signal: killed: running "echo before; exec sleep 30":\nbefore\n',
      log: ["before"],
    },
  },
  {
    title: "a delete is killed after its timeout",
    call: { delete: { delete: "exec sleep 30", stdout: "", stderr: "" }, timeout: 1 },
    result: { error: 'UNKNOWN: signal: killed: running "exec sleep 30":\n' },
  },
  {
    title: "a timeout below one second is exceeded at once",
    call: { create: { create: "echo never" }, timeout: 0.5 },
    result: { error: 'DEADLINE_EXCEEDED: context deadline exceeded: running "echo never":\n' },
  },
  {
    title: "inputs that Check would have rejected",
    call: { create: { create: 1 } },
    result: {
      error:
        "UNKNOWN: invalid inputs: 1 failures decoding:" +
        "\n\tcreate: Field 'create' on 'local.CommandInputs' must be a 'string'; got 'float64' instead",
    },
  },
];
