/** Applies a shape to what the user wrote and turns all that zod finds into issues. */
import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { error, pathOf, type Issue } from "./issue";
import { quote } from "./mistake";

export interface Section {
  /** Where it stands, e.g. `["peers", "laptop"]`. */
  path: PropertyKey[];
  /** Keys that the design has and this version has not. */
  notYet: readonly string[];
}

/**
 * The fields that are right; every mistake goes to `issues`. Fields are read one by one, so that a mistake in one does
 * not hide what the rules across nodes have to say about another.
 */
export function readShape<S extends z.ZodObject>(
  shape: S,
  input: unknown,
  section: Section,
  issues: Issue[],
): Partial<z.output<S>> {
  const fields = shape.shape as Record<string, z.ZodType>;
  const known = Object.keys(fields);
  if (!isMap(input)) {
    const where = pathOf(section.path);
    issues.push(
      error(where, "is not a map of keys and values", `its keys are ${known.join(", ")}`),
    );
    return {};
  }
  issues.push(...refused(input, section));
  const strange = Object.keys(input).filter(
    (key) => !(Object.hasOwn(fields, key) || section.notYet.includes(key)),
  );
  for (const key of strange) issues.push(unknownKey(section.path, key, known));
  const entries = known.flatMap((key): [string, unknown][] => {
    const result = fields[key]?.safeParse(input[key] ?? undefined);
    if (result === undefined) return [];
    if (result.success) return result.data === undefined ? [] : [[key, result.data]];
    for (const found of result.error.issues) issues.push(issueOf(found, [...section.path, key]));
    return [];
  });
  return Object.fromEntries(entries) as Partial<z.output<S>>;
}

/** Issues for keys that will come with a later version. */
export function refused(input: unknown, section: Section): Issue[] {
  return section.notYet
    .filter((key) => isMap(input) && key in input)
    .map((key) =>
      error(pathOf([...section.path, key]), "is not supported yet", `remove ${key} for now`),
    );
}

/** Issues for a key that no version has. */
export function unknownKey(path: PropertyKey[], key: string, known: readonly string[]): Issue {
  const near = nearest(key, known);
  return error(
    pathOf([...path, printable(key)]),
    "is not a known key",
    near === undefined ? `known keys: ${known.join(", ")}` : `did you mean ${near}?`,
  );
}

/** The known word that was most likely meant, or undefined when none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const away = (candidate: string) => distance(word.toLowerCase(), candidate.toLowerCase());
  const best = [...known].sort((a, b) => away(a) - away(b))[0];
  return best !== undefined && away(best) <= Math.max(2, word.length / 3) ? best : undefined;
}

export function isMap(input: unknown): input is Record<string, unknown> {
  return typeof input === "object" && input !== null && !Array.isArray(input);
}

/** Our fields raise custom issues with a remedy; zod itself only says that a list is none, or empty. */
function issueOf(found: z.core.$ZodIssue, path: PropertyKey[]): Issue {
  const where = pathOf([...path, ...found.path]);
  if (found.code === "too_small")
    return error(where, found.message, "leave it out, or name at least one");
  const remedy: unknown = found.code === "custom" ? found.params?.["remedy"] : undefined;
  return error(where, found.message, typeof remedy === "string" ? remedy : "write a list: [ ... ]");
}

/** A key as it may stand in a path. */
export function printable(key: string): string {
  const quoted = quote(key);
  return /^[\w.-]+$/.test(key) && quoted === `"${key}"` ? key : quoted;
}
