/** Applies a shape to raw config and converts the mistakes that zod finds to issues. */
import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { error, pathOf, type Issue } from "./issue";
import { Mistake, quote } from "./mistake";

/**
 * Returns the valid fields of the map at a config path, e.g. `["peers", "laptop"]`, and adds every mistake to `issues`. Fields
 * are read one by one, so that a mistake in one does not hide mistakes that the rules find in another. `others` are the keys
 * of the other kind of node.
 */
export function readShape<S extends z.ZodObject>(
  shape: S,
  input: unknown,
  path: PropertyKey[],
  issues: Issue[],
  others: ForeignKeys = { kind: "", keys: [] },
): Partial<z.output<S>> {
  const fields = shape.shape as Record<string, z.ZodType>;
  const known = Object.keys(fields);
  if (!isMap(input)) {
    const where = pathOf(path);
    const remedy = `its keys are ${known.join(", ")}`;
    issues.push(wrongTypeIssue(where, input, "is not a map of keys and values", remedy));
    return {};
  }
  const unknown = Object.keys(input).filter((key) => !Object.hasOwn(fields, key));
  for (const key of unknown)
    issues.push(foreignKey(path, key, others) ?? unknownKey(path, key, known));
  const entries = known.flatMap((key): [string, unknown][] => {
    const result = fields[key]?.safeParse(input[key] ?? undefined);
    if (result === undefined) return [];
    if (result.success) return result.data === undefined ? [] : [[key, result.data]];
    for (const found of result.error.issues)
      issues.push(issueOf(found, [...path, key], input[key]));
    return [];
  });
  return Object.fromEntries(entries) as Partial<z.output<S>>;
}

/** The issue for a value of the wrong type; a Mistake has its own message. */
export function wrongTypeIssue(
  path: string,
  input: unknown,
  message: string,
  remedy: string,
): Issue {
  return input instanceof Mistake
    ? error(path, input.message, input.remedy)
    : error(path, message, remedy);
}

/** The issue for an unknown key. */
export function unknownKey(path: PropertyKey[], key: string, known: readonly string[]): Issue {
  const near = nearest(key, known);
  return error(
    pathOf([...path, printable(key)]),
    "is not a known key",
    near === undefined ? `known keys: ${known.join(", ")}` : `did you mean ${near}?`,
  );
}

/** The keys of the other kind of node. */
interface ForeignKeys {
  kind: string;
  keys: readonly string[];
}

function foreignKey(path: PropertyKey[], key: string, { kind, keys }: ForeignKeys): Issue | null {
  if (!keys.includes(key)) return null;
  const remedy = `remove it, or make this node a ${kind}`;
  return error(pathOf([...path, key]), `is a key of ${kind}s`, remedy);
}

/** The known word that is most similar, or undefined if none is similar enough. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const distanceTo = (candidate: string) => distance(word.toLowerCase(), candidate.toLowerCase());
  const best = [...known].sort((a, b) => distanceTo(a) - distanceTo(b))[0];
  return best !== undefined && distanceTo(best) <= Math.max(2, word.length / 3) ? best : undefined;
}

/** Reports whether the value is a plain map, not a Secret, a Mistake or another instance of a class. */
export function isMap(input: unknown): input is Record<string, unknown> {
  if (typeof input !== "object" || input === null) return false;
  const prototype: unknown = Object.getPrototypeOf(input);
  return prototype === Object.prototype || prototype === null;
}

/** Fields from field.ts raise custom issues with a remedy; all other issues come from zod's own check of lists. */
function issueOf(found: z.core.$ZodIssue, path: PropertyKey[], input: unknown): Issue {
  const where = pathOf([...path, ...found.path]);
  if (found.code !== "custom" && (input === undefined || input === null))
    return error(where, "is missing", "write one, or a list: [ ... ]");
  const remedy: unknown = found.code === "custom" ? found.params?.["remedy"] : undefined;
  return error(where, found.message, typeof remedy === "string" ? remedy : "write a list: [ ... ]");
}

/** A key in a form that is safe to print in a path. */
export function printable(key: string): string {
  const quoted = quote(key);
  return /^[\w.-]+$/.test(key) && quoted === `"${key}"` ? key : quoted;
}
