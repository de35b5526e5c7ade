/** Check: which inputs are taken, and as what. */
import { type Case, output, secret, unknown, unknownSecret } from "./case";

const on = "on 'local.CommandInputs'";
const noObject = "Cannot decode Object{} to type";
const noDecoder = "it isn't a struct, and no custom decoder exists";

export const checkCases: Case[] = [
  {
    title: "inputs that fit come back as they are",
    ask: {
      check: {
        create: "a",
        update: "b",
        delete: "c",
        stdin: "d",
        dir: "/",
        logging: "stdout",
        interpreter: ["/bin/bash", "-c"],
        environment: { A: "1" },
        triggers: ["x"],
        addPreviousOutputInEnv: false,
      },
    },
    answer: {
      properties: {
        create: "a",
        update: "b",
        delete: "c",
        stdin: "d",
        dir: "/",
        logging: "stdout",
        interpreter: ["/bin/bash", "-c"],
        environment: { A: "1" },
        triggers: ["x"],
        addPreviousOutputInEnv: false,
      },
    },
  },
  {
    title: "no property is required, none has a default",
    ask: { check: {} },
    answer: { properties: {} },
  },
  {
    title: "a property that it does not have fails by name, an output too",
    ask: { check: { create: "a", host: "b", stdout: "c" } },
    answer: {
      properties: { create: "a", host: "b", stdout: "c" },
      failures: [
        `host: Unrecognized field 'host' ${on}`,
        `stdout: Unrecognized field 'stdout' ${on}`,
      ],
    },
  },
  {
    title: "a value of another type fails, each by name",
    ask: {
      check: {
        create: 1,
        update: true,
        stdin: ["a"],
        logging: 2,
        interpreter: "b",
        environment: "c",
        triggers: "d",
        addPreviousOutputInEnv: "yes",
      },
    },
    answer: {
      properties: {
        create: 1,
        update: true,
        stdin: ["a"],
        logging: 2,
        interpreter: "b",
        environment: "c",
        triggers: "d",
        addPreviousOutputInEnv: "yes",
      },
      failures: [
        `addPreviousOutputInEnv: Field 'addPreviousOutputInEnv' ${on} must be a 'bool'; got 'string' instead`,
        `create: Field 'create' ${on} must be a 'string'; got 'float64' instead`,
        `environment: Field 'environment' ${on} must be a 'map[string]string'; got 'string' instead`,
        `interpreter: Field 'interpreter' ${on} must be a '[]string'; got 'string' instead`,
        `logging: Field 'logging' ${on} must be a 'local.Logging'; got 'float64' instead`,
        `stdin: Field 'stdin' ${on} must be a 'string'; got '[]interface {}' instead`,
        `triggers: Field 'triggers' ${on} must be a '[]interface {}'; got 'string' instead`,
        `update: Field 'update' ${on} must be a 'string'; got 'bool' instead`,
      ],
    },
  },
  {
    title: "an object where there should be none fails",
    ask: { check: { create: { a: "b" }, interpreter: { a: "b" } } },
    answer: {
      properties: { create: { a: "b" }, interpreter: { a: "b" } },
      failures: [
        `create: An error occurred decoding 'CommandInputs.create': ${noObject} string; ${noDecoder}`,
        `interpreter: An error occurred decoding 'CommandInputs.interpreter': ${noObject} []string; ${noDecoder}`,
      ],
    },
  },
  {
    title: "an item of another type fails by its place",
    ask: { check: { interpreter: ["a", 1], environment: { A: 1 } } },
    answer: {
      properties: { interpreter: ["a", 1], environment: { A: 1 } },
      failures: [
        `environment[A] value: Field 'environment[A] value' ${on} must be a 'string'; got 'float64' instead`,
        `interpreter[1]: Field 'interpreter[1]' ${on} must be a 'string'; got 'float64' instead`,
      ],
    },
  },
  {
    title: "a secret of another type fails, and stays secret",
    ask: { check: { create: secret(1) } },
    answer: {
      properties: { create: secret(1) },
      failures: [`create: Field 'create' ${on} must be a 'string'; got 'float64' instead`],
    },
  },
  {
    title: "logging takes any text",
    ask: { check: { logging: "loud" } },
    answer: { properties: { logging: "loud" } },
  },
  {
    title: "null is as good as not set; in triggers it is a value",
    ask: { check: { create: null, environment: { A: null }, triggers: [null, { a: null }] } },
    answer: { properties: { environment: {}, triggers: [null, {}] } },
  },
  {
    title: "triggers take anything",
    ask: { check: { triggers: ["a", 1.5, true, { b: [secret("c")] }, []] } },
    answer: { properties: { triggers: ["a", 1.5, true, { b: [secret("c")] }, []] } },
  },
  {
    title: "what is empty stays",
    ask: { check: { create: "", interpreter: [], environment: {}, triggers: [] } },
    answer: { properties: { create: "", interpreter: [], environment: {}, triggers: [] } },
  },
  {
    title: "a secret stays secret, whole or in part",
    ask: {
      check: { stdin: secret("a"), environment: { A: secret("b") }, triggers: secret(["c"]) },
    },
    answer: {
      properties: { stdin: secret("a"), environment: { A: secret("b") }, triggers: secret(["c"]) },
    },
  },
  {
    title: "an output is as good as its value",
    ask: { check: { create: output({ value: "a" }), stdin: output({ value: "b", secret: true }) } },
    answer: { properties: { create: "a", stdin: secret("b") } },
  },
  {
    title: "what is unknown stays unknown",
    ask: {
      check: {
        create: unknown,
        stdin: output({}),
        environment: { A: unknown },
        triggers: [unknown],
      },
    },
    answer: {
      properties: {
        create: unknown,
        stdin: unknown,
        environment: { A: unknown },
        triggers: [unknown],
      },
    },
  },
  {
    title: "an interpreter that is unknown as a whole gets lost",
    ask: { check: { create: "a", interpreter: unknown } },
    answer: { properties: { create: "a" } },
  },
  {
    title: "an unknown secret becomes an empty secret",
    ask: {
      check: {
        create: unknownSecret,
        stdin: secret(unknown),
        environment: { A: secret(unknown) },
        triggers: unknownSecret,
      },
    },
    answer: {
      properties: {
        create: secret(""),
        stdin: secret(""),
        environment: { A: secret("") },
        triggers: secret([]),
      },
    },
  },
];
