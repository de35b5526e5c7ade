/** Update, delete and read: how they use the recorded state and what they return. */
import { type Case, secret } from "./case";

const before = { create: "echo first", stdout: "out\nput", stderr: "err" };
const printPrevious = 'echo "${PULUMI_COMMAND_STDOUT-unset}|${PULUMI_COMMAND_STDERR-unset}"';
const printed = ["out", "put|err"];

export const stateCases: Case[] = [
  {
    title: "a create without a command runs nothing",
    call: { create: { update: "echo u", delete: "echo d", stdin: "s" } },
    result: {
      properties: { update: "echo u", delete: "echo d", stdin: "s", stdout: "", stderr: "" },
    },
  },
  {
    title: "an update runs create if update is not set",
    call: { update: { create: "echo second" }, olds: before },
    result: {
      properties: { create: "echo second", stdout: "second", stderr: "" },
      log: ["second"],
    },
  },
  {
    title: "an update runs update if it is set",
    call: { update: { create: "echo c", update: "echo u >&2" }, olds: before },
    result: {
      properties: { create: "echo c", update: "echo u >&2", stdout: "", stderr: "u" },
      log: ["u"],
    },
  },
  {
    title: "an update without a command runs nothing and keeps the output",
    call: { update: { delete: "echo d" }, olds: before },
    result: { properties: { delete: "echo d", stdout: "out\nput", stderr: "err" } },
  },
  {
    title: "an update gets the output of the last run in its environment",
    call: { update: { create: printPrevious }, olds: before },
    result: {
      properties: { create: printPrevious, stdout: "out\nput|err", stderr: "" },
      log: printed,
    },
  },
  {
    title: "empty output is not in the environment",
    call: { update: { create: printPrevious }, olds: { ...before, stderr: "" } },
    result: {
      properties: { create: printPrevious, stdout: "out\nput|unset", stderr: "" },
      log: ["out", "put|unset"],
    },
  },
  {
    title: "the output of the last run overrides the same variable in environment",
    call: {
      update: { create: printPrevious, environment: { PULUMI_COMMAND_STDOUT: "mine" } },
      olds: before,
    },
    result: {
      properties: {
        create: printPrevious,
        environment: { PULUMI_COMMAND_STDOUT: "mine" },
        stdout: "out\nput|err",
        stderr: "",
      },
      log: printed,
    },
  },
  {
    title: "with addPreviousOutputInEnv false it is not in the environment",
    call: {
      update: { create: 'echo "[$PULUMI_COMMAND_STDOUT]"', addPreviousOutputInEnv: false },
      olds: before,
    },
    result: {
      properties: {
        create: 'echo "[$PULUMI_COMMAND_STDOUT]"',
        addPreviousOutputInEnv: false,
        stdout: "[]",
        stderr: "",
      },
      log: ["[]"],
    },
  },
  {
    title: "an ignored property keeps its recorded value",
    call: {
      update: { create: "cat", stdin: "new" },
      olds: { create: "cat", stdin: "old", stdout: "", stderr: "" },
      ignoreChanges: ["stdin"],
    },
    result: {
      properties: { create: "cat", stdin: "old", stdout: "old", stderr: "" },
      log: ["old"],
    },
  },
  {
    title: "secret output is no longer secret after an update",
    call: {
      update: { delete: "echo d" },
      olds: { delete: "echo c", stdout: secret("out"), stderr: secret("err") },
    },
    result: { properties: { delete: "echo d", stdout: "out", stderr: "err" } },
  },
  {
    title: "a delete runs with the recorded stdin, environment and output",
    call: {
      delete: {
        ...before,
        delete: 'echo "bye $A $PULUMI_COMMAND_STDERR"; cat',
        environment: { A: "b" },
        stdin: secret("s"),
      },
    },
    result: { log: ["bye b err", "s"] },
  },
  { title: "a delete without a command runs nothing", call: { delete: before }, result: {} },
  {
    title: "a failing delete is an error",
    call: { delete: { ...before, delete: "echo no; false" } },
    result: { error: 'UNKNOWN: exit status 1: running "echo no; false":\nno\n', log: ["no"] },
  },
  {
    title: "a state without output is invalid",
    call: { delete: { delete: "echo d" } },
    result: {
      error:
        "UNKNOWN: 2 failures decoding:" +
        "\n\tstdout: Missing required field 'stdout' on 'local.CommandOutputs'" +
        "\n\tstderr: Missing required field 'stderr' on 'local.CommandOutputs'",
    },
  },
  {
    title: "a read runs nothing and changes nothing",
    call: {
      read: { ...before, create: "touch side-effect" },
      inputs: { create: "touch side-effect" },
    },
    result: {
      properties: {
        state: { ...before, create: "touch side-effect" },
        inputs: { create: "touch side-effect" },
      },
    },
  },
];
