/** Diff: what a change of inputs means for the resource. */
import { type Case, output, secret, unknown, unknownSecret } from "./case";

export const diffCases: Case[] = [
  {
    title: "the same inputs are no change",
    ask: {
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
    answer: { changes: { "(overall)": "none" } },
  },
  {
    title: "every property but triggers is updated in place",
    ask: {
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
    answer: {
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
    ask: {
      diff: { interpreter: ["sh", "-ec"], environment: { A: "2", "b-c": "1" } },
      oldInputs: { interpreter: ["sh", "-c", "x"], environment: { A: "1", 'd"e': "1" } },
    },
    answer: {
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
    title: "triggers that come replace",
    ask: { diff: { triggers: ["a"] }, oldInputs: {} },
    answer: { changes: { triggers: "ADD_REPLACE" }, replaces: ["triggers"], diffs: ["triggers"] },
  },
  {
    title: "triggers that go replace",
    ask: { diff: {}, oldInputs: { triggers: ["a"] } },
    answer: {
      changes: { triggers: "DELETE_REPLACE" },
      replaces: ["triggers"],
      diffs: ["triggers"],
    },
  },
  {
    title: "triggers that change as one (secret, or unknown) replace",
    ask: { diff: { triggers: unknown }, oldInputs: { triggers: secret(["a"]) } },
    answer: {
      changes: { triggers: "UPDATE_REPLACE" },
      replaces: ["triggers"],
      diffs: ["triggers"],
    },
  },
  {
    title:
      "a change inside triggers is an update to the plugin; it is the SDK's replaceOnChanges that replaces",
    ask: {
      diff: { triggers: ["b", { x: [1, 2] }, "new"] },
      oldInputs: { triggers: ["a", { x: [1, 3] }] },
    },
    answer: {
      changes: { "triggers[0]": "UPDATE", "triggers[1].x[1]": "UPDATE", "triggers[2]": "ADD" },
      diffs: ["triggers"],
    },
  },
  {
    title: "another type is a change",
    ask: { diff: { triggers: ["1", ["a"]] }, oldInputs: { triggers: [1, { a: 1 }] } },
    answer: { changes: { "triggers[0]": "UPDATE", "triggers[1]": "UPDATE" }, diffs: ["triggers"] },
  },
  {
    title: "null among triggers comes and goes",
    ask: { diff: { triggers: [null, "a"] }, oldInputs: { triggers: ["a", null] } },
    answer: { changes: { "triggers[0]": "DELETE", "triggers[1]": "ADD" }, diffs: ["triggers"] },
  },
  {
    title: "another secret is a change, and so is to become or to stop being one",
    ask: {
      diff: { stdin: secret("b"), create: secret("a"), delete: "a" },
      oldInputs: { stdin: secret("a"), create: "a", delete: secret("a") },
    },
    answer: {
      changes: { stdin: "UPDATE", create: "UPDATE", delete: "UPDATE" },
      diffs: ["create", "delete", "stdin"],
    },
  },
  {
    title: "a secret map changes as one",
    ask: {
      diff: { environment: secret({ A: "1", B: "2" }) },
      oldInputs: { environment: secret({ A: "1", B: "3" }) },
    },
    answer: { changes: { environment: "UPDATE" }, diffs: ["environment"] },
  },
  {
    title: "what becomes unknown is a change",
    ask: { diff: { create: unknown, stdin: output({}) }, oldInputs: { create: "a" } },
    answer: { changes: { create: "UPDATE", stdin: "ADD" }, diffs: ["create", "stdin"] },
  },
  {
    title: "a secret that becomes unknown is none",
    ask: {
      diff: { create: "a", stdin: unknownSecret, environment: { A: secret(unknown) } },
      oldInputs: { create: "a", stdin: secret("s"), environment: { A: "b" } },
    },
    answer: { changes: { "(overall)": "none" } },
  },
  {
    title: "an ignored property is compared as it was recorded, if it was",
    ask: {
      diff: { create: "b", stdin: "b" },
      oldInputs: { create: "a" },
      ignoreChanges: ["create", "stdin"],
    },
    answer: { changes: { stdin: "ADD" }, diffs: ["stdin"] },
  },
  {
    title: "version and what begins with __ is the engine's own",
    ask: { diff: { create: "a", version: "2", __x: "1" }, oldInputs: { create: "a", __y: "2" } },
    answer: { changes: { "(overall)": "none" } },
  },
];
