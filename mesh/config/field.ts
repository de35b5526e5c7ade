/** Builds zod fields from parsers that throw a Mistake, so that zod reports all mistakes in one pass. */
import { z } from "zod";
import { Secret } from "../secret";
import type { Bounds } from "./patterns";
import { Mistake, quote } from "./mistake";
import { isMap } from "./shape-issues";

/** The metadata of a config key, for the reference and for the JSON Schema (json-schema.ts). */
declare module "zod" {
  interface GlobalMeta {
    /** One line. It begins in lower case; code is in backticks. */
    description?: string | undefined;
    /** The value that holds if the key is absent. */
    default?: unknown;
    /** Describes the default where it depends on something else. */
    absent?: string;
    /** The page in docs/ with more about it. */
    page?: string;
  }
}

/** The JSON Schema of a value as it is written in the stack file. */
type ValueSchema = Record<string, unknown>;

/**
 * A text field. `example` is shown if the value is missing or has another type. `pattern`: of all texts that `parse` accepts,
 * for editors.
 */
export function text<T>(parse: (text: string) => T, example: string, pattern?: RegExp) {
  const schema = textSchema(example, pattern);
  return field(
    (input) => {
      if (typeof input !== "string") throw wrongType(input, "text", example);
      return parse(input);
    },
    example,
    schema,
  );
}

/** A number field. Numbers in quotes are rejected, because YAML distinguishes the two. */
export function number(parse: (value: number) => number, example: number, bounds: Bounds) {
  return field(
    (input) => {
      if (typeof input !== "number") throw wrongType(input, "a number", String(example));
      return parse(input);
    },
    String(example),
    { type: "integer", ...bounds, examples: [example] },
  );
}

export function flag() {
  return field(
    (input) => {
      if (typeof input !== "boolean") throw wrongType(input, "true or false", "true");
      return input;
    },
    "true",
    { type: "boolean" },
  );
}

export function oneOf<const T extends string>(...choices: T[]) {
  const example = choices[0] ?? "";
  return field(
    (input) => {
      const choice = choices.find((candidate) => candidate === input);
      if (choice !== undefined) return choice;
      if (typeof input !== "string") throw wrongType(input, "text", example);
      throw new Mistake(`${quote(input)} is not a valid value`, `use ${choices.join(" or ")}`);
    },
    example,
    { enum: choices },
  );
}

/** A list of texts. The path of a mistake has the index of the entry. */
export function list<T>(parse: (text: string) => T, example: string, pattern?: RegExp) {
  return z.array(text(parse, example, pattern), { error: () => "is not a list" });
}

/** A list of texts and of maps of two texts, with these keys. */
export function listWithPairs<T, const K extends string>(
  parse: (text: string) => T,
  keys: readonly [K, K],
  parsePair: (one: string, other: string) => T,
  example: string,
  pattern: RegExp,
) {
  const schema = textSchema(example, pattern);
  const pair = { properties: Object.fromEntries(keys.map((key) => [key, schema])), required: keys };
  const entry = field(
    (input) => {
      if (typeof input === "string") return parse(input);
      if (!isMap(input)) throw wrongType(input, "text", example);
      const [one, other] = keys.map((key) => input[key]);
      if (typeof one === "string" && typeof other === "string" && Object.keys(input).length === 2)
        return parsePair(one, other);
      throw new Mistake(
        `is not a map of ${keys.join(" and ")}`,
        `write { ${keys.join(": ..., ")}: ... }`,
      );
    },
    example,
    { ...schema, type: ["string", "object"], ...pair, additionalProperties: false },
  );
  return z.array(entry, { error: () => "is not a list" });
}

/** A list of at least one text. `remedy` is for an empty list. */
export function filledList<T>(
  parse: (text: string) => T,
  example: string,
  pattern?: RegExp,
  remedy = "leave it out, or list at least one",
) {
  return list(parse, example, pattern)
    .superRefine((entries, context) => {
      if (entries.length > 0) return;
      context.addIssue({ code: "custom", message: "is an empty list", params: { remedy } });
    })
    .meta({ minItems: 1 });
}

/** A list of at least one text, or a single text. */
export function oneOrMore<T>(
  parse: (text: string) => T,
  example: string,
  pattern?: RegExp,
  remedy?: string,
) {
  return z
    .preprocess(
      (input) => (typeof input === "string" || input instanceof Mistake ? [input] : input),
      filledList(parse, example, pattern, remedy),
    )
    .meta({ ...textSchema(example, pattern), type: ["string", "array"] });
}

/** A map of text values, e.g. tags. `parse` gets each key with its value. */
export function textMap(parse: (key: string, value: string) => string, example: string) {
  return field(
    (input) => {
      if (
        typeof input !== "object" ||
        input === null ||
        Array.isArray(input) ||
        input instanceof Secret
      )
        throw wrongType(input, "a map of text values", example);
      const entries = Object.entries(input).map(([key, value]: [string, unknown]) => {
        if (typeof value === "string") return [key, parse(key, value)];
        throw new Mistake(`the value of ${quote(key)} is not text`, "put it in quotes");
      });
      return Object.fromEntries(entries) as Record<string, string>;
    },
    example,
    { type: "object", additionalProperties: { type: "string" } },
  );
}

/** An example that does not match the pattern is a description, such as "the line that `wg pubkey` prints", not a value. */
function textSchema(example: string, pattern: RegExp | undefined): ValueSchema {
  const value = example.replace(/^"(.*)"$/, "$1");
  if (pattern === undefined) return { type: "string", examples: [value] };
  const schema = { type: "string", pattern: pattern.source, patternErrorMessage: hint(example) };
  return pattern.test(value) ? { ...schema, examples: [value] } : schema;
}

function field<T>(parse: (input: unknown) => T, example: string, schema: ValueSchema) {
  return z
    .unknown()
    .transform((input, context) => {
      try {
        if (input === undefined || input === null)
          throw new Mistake("is missing", `add it, e.g. ${example}`);
        if (input instanceof Mistake) throw input;
        return parse(input);
      } catch (problem) {
        if (!(problem instanceof Mistake)) throw problem;
        const { message, remedy } = problem;
        context.addIssue({ code: "custom", message, params: { remedy } });
        return z.NEVER;
      }
    })
    .meta(schema);
}

function wrongType(input: unknown, wanted: string, example: string): Mistake {
  if (input instanceof Secret) {
    return new Mistake(
      "is encrypted, but names, addresses and public keys must be readable in a review",
      "set it again without --secret",
    );
  }
  const got = Array.isArray(input)
    ? "a list"
    : typeof input === "object"
      ? "a map"
      : `a ${typeof input}`;
  return new Mistake(`is ${got}, but should be ${wanted}`, hint(example));
}

function hint(example: string): string {
  return `write e.g. ${example}`;
}
