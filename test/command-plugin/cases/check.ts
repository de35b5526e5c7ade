/** Check: valid and invalid inputs. */
import { type Case, output, secret, unknown, unknownSecret } from "./case";

const on = "on 'local.CommandInputs'";
const cannotDecode = "Cannot decode Object{} to type";
const noDecoder = "it isn't a struct, and no custom decoder exists";

export const checkCases: Case[] = [
  {
    title: "valid inputs are returned unchanged",
    call: {
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
    result: {
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
    title: "no property is required and none has a default",
    call: { check: {} },
    result: { properties: {} },
  },
  {
    title: "unknown properties and outputs are reported by name",
    call: { check: { create: "a", host: "b", stdout: "c" } },
    result: {
      properties: { create: "a", host: "b", stdout: "c" },
      failures: [
        `host: Unrecognized field 'host' ${on}`,
        `stdout: Unrecognized field 'stdout' ${on}`,
      ],
    },
  },
  {
    title: "values of the wrong type are reported by name",
    call: {
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
    result: {
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
    title: "an unexpected object is reported",
    call: { check: { create: { a: "b" }, interpreter: { a: "b" } } },
    result: {
      properties: { create: { a: "b" }, interpreter: { a: "b" } },
      failures: [
        `create: An error occurred decoding 'CommandInputs.create': ${cannotDecode} string; ${noDecoder}`,
        `interpreter: An error occurred decoding 'CommandInputs.interpreter': ${cannotDecode} []string; ${noDecoder}`,
      ],
    },
  },
  {
    title: "an item of the wrong type is reported with its position",
    call: { check: { interpreter: ["a", 1], environment: { A: 1 } } },
    result: {
      properties: { interpreter: ["a", 1], environment: { A: 1 } },
      failures: [
        `environment[A] value: Field 'environment[A] value' ${on} must be a 'string'; got 'float64' instead`,
        `interpreter[1]: Field 'interpreter[1]' ${on} must be a 'string'; got 'float64' instead`,
      ],
    },
  },
  {
    title: "a secret of the wrong type is reported and stays secret",
    call: { check: { create: secret(1) } },
    result: {
      properties: { create: secret(1) },
      failures: [`create: Field 'create' ${on} must be a 'string'; got 'float64' instead`],
    },
  },
  {
    title: "logging accepts any string",
    call: { check: { logging: "loud" } },
    result: { properties: { logging: "loud" } },
  },
  {
    title: "null means unset, except in triggers",
    call: { check: { create: null, environment: { A: null }, triggers: [null, { a: null }] } },
    result: { properties: { environment: {}, triggers: [null, {}] } },
  },
  {
    title: "triggers accept any value",
    call: { check: { triggers: ["a", 1.5, true, { b: [secret("c")] }, []] } },
    result: { properties: { triggers: ["a", 1.5, true, { b: [secret("c")] }, []] } },
  },
  {
    title: "empty values are kept",
    call: { check: { create: "", interpreter: [], environment: {}, triggers: [] } },
    result: { properties: { create: "", interpreter: [], environment: {}, triggers: [] } },
  },
  {
    title: "a secret stays secret, as a whole or inside a value",
    call: {
      check: { stdin: secret("a"), environment: { A: secret("b") }, triggers: secret(["c"]) },
    },
    result: {
      properties: { stdin: secret("a"), environment: { A: secret("b") }, triggers: secret(["c"]) },
    },
  },
  {
    title: "an output is replaced by its value",
    call: {
      check: { create: output({ value: "a" }), stdin: output({ value: "b", secret: true }) },
    },
    result: { properties: { create: "a", stdin: secret("b") } },
  },
  {
    title: "an unknown value stays unknown",
    call: {
      check: {
        create: unknown,
        stdin: output({}),
        environment: { A: unknown },
        triggers: [unknown],
      },
    },
    result: {
      properties: {
        create: unknown,
        stdin: unknown,
        environment: { A: unknown },
        triggers: [unknown],
      },
    },
  },
  {
    title: "an interpreter that is unknown as a whole is dropped",
    call: { check: { create: "a", interpreter: unknown } },
    result: { properties: { create: "a" } },
  },
  {
    title: "an unknown secret becomes an empty secret",
    call: {
      check: {
        create: unknownSecret,
        stdin: secret(unknown),
        environment: { A: secret(unknown) },
        triggers: unknownSecret,
      },
    },
    result: {
      properties: {
        create: secret(""),
        stdin: secret(""),
        environment: { A: secret("") },
        triggers: secret([]),
      },
    },
  },
];
