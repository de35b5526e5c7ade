/** The facts of a node as a command writes them: in the order in which a person would, and only those that are given. */
import type { YamlValue } from "./yaml-edit";

/** Leaves out what is undefined. */
export function givenFacts(
  facts: Record<string, YamlValue | undefined>,
): Record<string, YamlValue> {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** `host` and `hostKey` are one text, or a list where there are several. */
export function oneOrList(values: string[] | undefined): YamlValue | undefined {
  return values?.length === 1 ? values[0] : values;
}
