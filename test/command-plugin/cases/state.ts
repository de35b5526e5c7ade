/** Update, delete, read: what they take from the recorded state, and what they leave. */
import { type Case, secret } from "./case";

const before = { create: "echo first", stdout: "out\nput", stderr: "err" };
const tell = 'echo "${PULUMI_COMMAND_STDOUT-unset}|${PULUMI_COMMAND_STDERR-unset}"';
const said = ["out", "put|err"];

export const stateCases: Case[] = [
  {
    title: "a create without a command runs nothing",
    ask: { create: { update: "echo u", delete: "echo d", stdin: "s" } },
    answer: {
      properties: { update: "echo u", delete: "echo d", stdin: "s", stdout: "", stderr: "" },
    },
  },
  {
    title: "an update runs create where there is no update",
    ask: { update: { create: "echo second" }, olds: before },
    answer: {
      properties: { create: "echo second", stdout: "second", stderr: "" },
      says: ["second"],
    },
  },
  {
    title: "an update runs update where there is one",
    ask: { update: { create: "echo c", update: "echo u >&2" }, olds: before },
    answer: {
      properties: { create: "echo c", update: "echo u >&2", stdout: "", stderr: "u" },
      says: ["u"],
    },
  },
  {
    title: "an update without a command runs nothing and keeps the output",
    ask: { update: { delete: "echo d" }, olds: before },
    answer: { properties: { delete: "echo d", stdout: "out\nput", stderr: "err" } },
  },
  {
    title: "an update has the output of the last run in its environment",
    ask: { update: { create: tell }, olds: before },
    answer: { properties: { create: tell, stdout: "out\nput|err", stderr: "" }, says: said },
  },
  {
    title: "output that was empty is not in the environment",
    ask: { update: { create: tell }, olds: { ...before, stderr: "" } },
    answer: {
      properties: { create: tell, stdout: "out\nput|unset", stderr: "" },
      says: ["out", "put|unset"],
    },
  },
  {
    title: "output of the last run wins over an environment that names it",
    ask: { update: { create: tell, environment: { PULUMI_COMMAND_STDOUT: "mine" } }, olds: before },
    answer: {
      properties: {
        create: tell,
        environment: { PULUMI_COMMAND_STDOUT: "mine" },
        stdout: "out\nput|err",
        stderr: "",
      },
      says: said,
    },
  },
  {
    title: "addPreviousOutputInEnv false keeps it out",
    ask: {
      update: { create: 'echo "[$PULUMI_COMMAND_STDOUT]"', addPreviousOutputInEnv: false },
      olds: before,
    },
    answer: {
      properties: {
        create: 'echo "[$PULUMI_COMMAND_STDOUT]"',
        addPreviousOutputInEnv: false,
        stdout: "[]",
        stderr: "",
      },
      says: ["[]"],
    },
  },
  {
    title: "an ignored property stays as recorded",
    ask: {
      update: { create: "cat", stdin: "new" },
      olds: { create: "cat", stdin: "old", stdout: "", stderr: "" },
      ignoreChanges: ["stdin"],
    },
    answer: {
      properties: { create: "cat", stdin: "old", stdout: "old", stderr: "" },
      says: ["old"],
    },
  },
  {
    title: "secret output of the last run is plain after the next",
    ask: {
      update: { delete: "echo d" },
      olds: { delete: "echo c", stdout: secret("out"), stderr: secret("err") },
    },
    answer: { properties: { delete: "echo d", stdout: "out", stderr: "err" } },
  },
  {
    title: "a delete runs with what was recorded: stdin, environment, output",
    ask: {
      delete: {
        ...before,
        delete: 'echo "bye $A $PULUMI_COMMAND_STDERR"; cat',
        environment: { A: "b" },
        stdin: secret("s"),
      },
    },
    answer: { says: ["bye b err", "s"] },
  },
  { title: "a delete without a command runs nothing", ask: { delete: before }, answer: {} },
  {
    title: "a delete that fails is an error",
    ask: { delete: { ...before, delete: "echo no; false" } },
    answer: { error: 'UNKNOWN: exit status 1: running "echo no; false":\nno\n', says: ["no"] },
  },
  {
    title: "a state without output is none",
    ask: { delete: { delete: "echo d" } },
    answer: {
      error:
        "UNKNOWN: 2 failures decoding:" +
        "\n\tstdout: Missing required field 'stdout' on 'local.CommandOutputs'" +
        "\n\tstderr: Missing required field 'stderr' on 'local.CommandOutputs'",
    },
  },
  {
    title: "a read runs nothing and changes nothing",
    ask: {
      read: { ...before, create: "touch side-effect" },
      inputs: { create: "touch side-effect" },
    },
    answer: {
      properties: {
        state: { ...before, create: "touch side-effect" },
        inputs: { create: "touch side-effect" },
      },
    },
  },
];
