/** Diff: which changes update and which replace the resource. */
import { type Case, output, secret, unknown, unknownSecret } from "./case";

export const diffCases: Case[] = [
  {
    title: "the same inputs are no change",
    call: {
      diff: {
        create: "a",
        stdin: secret("s"),
        environment: { A: "1" },
        triggers: [1.5, { a: [] }],
      },
      oldInputs: {
        create: "a",
        stdin: secret("s"),
        environment: { A: "1" },
        triggers: [1.5, { a: [] }],
      },
    },
    result: { changes: { "(overall)": "none" } },
  },
  {
    title: "every property but triggers is updated in place",
    call: {
      diff: {
        create: "a",
        update: "u",
        stdin: "b",
        dir: "/b",
        logging: "none",
        addPreviousOutputInEnv: false,
      },
      oldInputs: { create: "b", delete: "d", stdin: "a", dir: "/a", addPreviousOutputInEnv: true },
    },
    result: {
      changes: {
        create: "UPDATE",
        update: "ADD",
        delete: "DELETE",
        stdin: "UPDATE",
        dir: "UPDATE",
        logging: "ADD",
        addPreviousOutputInEnv: "UPDATE",
      },
      diffs: ["addPreviousOutputInEnv", "create", "delete", "dir", "logging", "stdin", "update"],
    },
  },
  {
    title: "a change inside a list or map is named by its path",
    call: {
      diff: { interpreter: ["sh", "-ec"], environment: { A: "2", "b-c": "1" } },
      oldInputs: { interpreter: ["sh", "-c", "x"], environment: { A: "1", 'd"e': "1" } },
    },
    result: {
      changes: {
        "interpreter[1]": "UPDATE",
        "interpreter[2]": "DELETE",
        "environment.A": "UPDATE",
        'environment["b-c"]': "ADD",
        'environment["d\\"e"]': "DELETE",
      },
      diffs: ["environment", "interpreter"],
    },
  },
  {
    title: "adding triggers replaces",
    call: { diff: { triggers: ["a"] }, oldInputs: {} },
    result: { changes: { triggers: "ADD_REPLACE" }, replaces: ["triggers"], diffs: ["triggers"] },
  },
  {
    title: "removing triggers replaces",
    call: { diff: {}, oldInputs: { triggers: ["a"] } },
    result: {
      changes: { triggers: "DELETE_REPLACE" },
      replaces: ["triggers"],
      diffs: ["triggers"],
    },
  },
  {
    title: "changing triggers as a whole (secret or unknown) replaces",
    call: { diff: { triggers: unknown }, oldInputs: { triggers: secret(["a"]) } },
    result: {
      changes: { triggers: "UPDATE_REPLACE" },
      replaces: ["triggers"],
      diffs: ["triggers"],
    },
  },
  {
    title:
      "a change inside triggers is an update for the plugin; the SDK's replaceOnChanges makes it replace",
    call: {
      diff: { triggers: ["b", { x: [1, 2] }, "new"] },
      oldInputs: { triggers: ["a", { x: [1, 3] }] },
    },
    result: {
      changes: { "triggers[0]": "UPDATE", "triggers[1].x[1]": "UPDATE", "triggers[2]": "ADD" },
      diffs: ["triggers"],
    },
  },
  {
    title: "a change of type is a change",
    call: { diff: { triggers: ["1", ["a"]] }, oldInputs: { triggers: [1, { a: 1 }] } },
    result: { changes: { "triggers[0]": "UPDATE", "triggers[1]": "UPDATE" }, diffs: ["triggers"] },
  },
  {
    title: "adding and removing null in triggers is a change",
    call: { diff: { triggers: [null, "a"] }, oldInputs: { triggers: ["a", null] } },
    result: { changes: { "triggers[0]": "DELETE", "triggers[1]": "ADD" }, diffs: ["triggers"] },
  },
  {
    title: "a changed secret is a change, and so is becoming secret or no longer secret",
    call: {
      diff: { stdin: secret("b"), create: secret("a"), delete: "a" },
      oldInputs: { stdin: secret("a"), create: "a", delete: secret("a") },
    },
    result: {
      changes: { stdin: "UPDATE", create: "UPDATE", delete: "UPDATE" },
      diffs: ["create", "delete", "stdin"],
    },
  },
  {
    title: "a change inside a secret map is a change of the whole map",
    call: {
      diff: { environment: secret({ A: "1", B: "2" }) },
      oldInputs: { environment: secret({ A: "1", B: "3" }) },
    },
    result: { changes: { environment: "UPDATE" }, diffs: ["environment"] },
  },
  {
    title: "becoming unknown is a change",
    call: { diff: { create: unknown, stdin: output({}) }, oldInputs: { create: "a" } },
    result: { changes: { create: "UPDATE", stdin: "ADD" }, diffs: ["create", "stdin"] },
  },
  {
    title: "a secret that becomes unknown is no change",
    call: {
      diff: { create: "a", stdin: unknownSecret, environment: { A: secret(unknown) } },
      oldInputs: { create: "a", stdin: secret("s"), environment: { A: "b" } },
    },
    result: { changes: { "(overall)": "none" } },
  },
  {
    title: "an ignored property is compared with its recorded value, if it has one",
    call: {
      diff: { create: "b", stdin: "b" },
      oldInputs: { create: "a" },
      ignoreChanges: ["create", "stdin"],
    },
    result: { changes: { stdin: "ADD" }, diffs: ["stdin"] },
  },
  {
    title: "version and names that begin with __ are ignored",
    call: { diff: { create: "a", version: "2", __x: "1" }, oldInputs: { create: "a", __y: "2" } },
    result: { changes: { "(overall)": "none" } },
  },
];
