/**
 * The properties of `command:local:Command` 1.2.1 and their types; checks values against them.
 * Messages are those of the real plugin (pulumi sdk/go/common/util/mapper), including Go's type names.
 */
import { type Data, type Properties, unknown, type Value } from "../provider/values";

/** `list` and `map` have string items; `any` is a list of any values; `files` is not supported by the stand-in. */
type FieldType = "string" | "logging" | "boolean" | "list" | "map" | "any" | "files";

export interface CheckFailure {
  property: string;
  reason: string;
}

/** In the order in which the real plugin reports failures. */
export const inputTypes: Record<string, FieldType> = {
  triggers: "any",
  create: "string",
  update: "string",
  delete: "string",
  stdin: "string",
  logging: "logging",
  interpreter: "list",
  dir: "string",
  environment: "map",
  assetPaths: "files",
  archivePaths: "files",
  addPreviousOutputInEnv: "boolean",
};

const goNames: Record<FieldType, string> = {
  string: "string",
  logging: "local.Logging",
  boolean: "bool",
  list: "[]string",
  map: "map[string]string",
  any: "[]interface {}",
  files: "[]string",
};

/** The failures of inputs; empty if they are valid. */
export function inputFailures(inputs: Properties): CheckFailure[] {
  return failures("CommandInputs", inputs);
}

/** The failures of a recorded state: of its inputs and of the output of the last run. */
export function stateFailures(state: Properties): CheckFailure[] {
  const outputs = ["stdout", "stderr"];
  const inputs = new Map([...state].filter(([name]) => !outputs.includes(name)));
  const outputFailures = outputs.flatMap((name) => {
    const value = state.get(name);
    if (value !== undefined) return typeFailures("CommandOutputs", name, "string", value);
    return [
      { property: name, reason: `Missing required field '${name}' on 'local.CommandOutputs'` },
    ];
  });
  return [...outputFailures, ...failures("CommandOutputs", inputs)];
}

/** The real plugin treats a list of strings that is unknown as a whole as unset. */
export function withoutUnknownLists(inputs: Properties): Properties {
  return new Map(
    [...inputs].filter(([name, { data }]) => inputTypes[name] !== "list" || data !== unknown),
  );
}

/**
 * The inputs that Check returns. Like in the real plugin, an unknown secret becomes the empty secret of its type: in the
 * first preview, a secret stdin that is still unknown reads "".
 */
export function checkedInputs(inputs: Properties): Properties {
  return new Map(
    [...inputs].map(([name, value]) => [
      name,
      withoutUnknownSecrets(value, inputTypes[name] ?? "any"),
    ]),
  );
}

function withoutUnknownSecrets({ data, secret }: Value, type: FieldType): Value {
  if (data === unknown) return secret ? { data: empty(type), secret } : { data, secret };
  if (type === "list" && Array.isArray(data))
    return { data: data.map((item) => withoutUnknownSecrets(item, "string")), secret };
  if (type === "map" && data instanceof Map) {
    return {
      data: new Map([...data].map(([key, item]) => [key, withoutUnknownSecrets(item, "string")])),
      secret,
    };
  }
  return { data, secret };
}

function empty(type: FieldType): Data {
  if (type === "map") return new Map();
  if (type === "boolean") return false;
  return type === "string" || type === "logging" ? "" : [];
}

function failures(owner: string, properties: Properties): CheckFailure[] {
  const declared = Object.entries(inputTypes).flatMap(([name, type]) => {
    const value = properties.get(name);
    return value === undefined ? [] : typeFailures(owner, name, type, value);
  });
  const unknownNames = [...properties.keys()].filter((name) => !(name in inputTypes)).sort();
  const unrecognized = unknownNames.map((name) => ({
    property: name,
    reason: `Unrecognized field '${name}' on 'local.${owner}'`,
  }));
  return [...declared, ...unrecognized];
}

/** At most one failure: the real plugin stops at the first one. */
function typeFailures(
  owner: string,
  property: string,
  type: FieldType,
  { data }: Value,
): CheckFailure[] {
  if (type === "files") {
    return [
      { property, reason: `the stand-in for the command plugin does not support ${property}` },
    ];
  }
  if (data === unknown) return [];
  if (type === "map" && data instanceof Map) {
    return firstFailure(
      [...data].map(([key, item]) =>
        typeFailures(owner, `${property}[${key}] value`, "string", item),
      ),
    );
  }
  if ((type === "list" || type === "any") && Array.isArray(data)) {
    if (type === "any") return [];
    return firstFailure(
      data.map((item, i) => typeFailures(owner, `${property}[${i}]`, "string", item)),
    );
  }
  const expected = type === "logging" ? "string" : type;
  return typeof data === expected
    ? []
    : [{ property, reason: wrongType(owner, property, goNames[type], data) }];
}

function firstFailure(found: CheckFailure[][]): CheckFailure[] {
  return found.find((failures) => failures.length > 0) ?? [];
}

function wrongType(owner: string, property: string, expected: string, data: Data): string {
  if (data instanceof Map) {
    const reason = `Cannot decode Object{} to type ${expected}; it isn't a struct, and no custom decoder exists`;
    return `An error occurred decoding '${owner}.${property}': ${reason}`;
  }
  return `Field '${property}' on 'local.${owner}' must be a '${expected}'; got '${goName(data)}' instead`;
}

function goName(data: Data): string {
  if (Array.isArray(data)) return "[]interface {}";
  if (typeof data === "number") return "float64";
  if (typeof data === "boolean") return "bool";
  return data === null ? "nil" : "string";
}
