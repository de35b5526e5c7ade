/**
 * Compares old and new inputs by property path, like the real plugin: every change is an update, except that adding,
 * removing or changing `triggers` as a whole replaces. (A change *inside* triggers replaces because the SDK registers
 * the resource with `replaceOnChanges: ["triggers[*]"]`.)
 */
import { equals, type Properties, unknown, type Value } from "../provider/values";

export type ChangeKind =
  "ADD" | "DELETE" | "UPDATE" | "ADD_REPLACE" | "DELETE_REPLACE" | "UPDATE_REPLACE";

/** Property path → kind of change. Empty if nothing changes. */
export function diffInputs(old: Properties, next: Properties): Map<string, ChangeKind> {
  const changes = new Map<string, "ADD" | "DELETE" | "UPDATE">();
  diffMaps("", withoutInternals(old), withoutInternals(next), changes);
  return new Map(
    [...changes].map(([path, kind]) => [path, path === "triggers" ? `${kind}_REPLACE` : kind]),
  );
}

/** The property that a path begins with. */
export function propertyOf(path: string): string {
  return /^[^.[]+/.exec(path)?.[0] ?? path;
}

type Changes = Map<string, "ADD" | "DELETE" | "UPDATE">;

/** `version` and names that begin with two underscores belong to the engine. */
function withoutInternals(properties: Properties): Properties {
  return new Map([...properties].filter(([name]) => name !== "version" && !name.startsWith("__")));
}

function diffMaps(
  path: string,
  old: Map<string, Value>,
  next: Map<string, Value>,
  changes: Changes,
): void {
  for (const [key, value] of old) {
    const nextValue = next.get(key);
    if (nextValue === undefined) changes.set(joinPath(path, key), "DELETE");
    // The real plugin treats an unknown secret as unchanged.
    else if (!(nextValue.data === unknown && nextValue.secret))
      diffValues(joinPath(path, key), value, nextValue, changes);
  }
  for (const [key, value] of next) {
    if (!old.has(key) && !(value.data === unknown && value.secret))
      changes.set(joinPath(path, key), "ADD");
  }
}

function diffLists(path: string, old: Value[], next: Value[], changes: Changes): void {
  old.forEach((value, i) => {
    const nextValue = next[i];
    if (nextValue === undefined) changes.set(`${path}[${i}]`, "DELETE");
    else diffValues(`${path}[${i}]`, value, nextValue, changes);
  });
  for (let i = old.length; i < next.length; i++) changes.set(`${path}[${i}]`, "ADD");
}

/** A change inside a secret is reported as a change of the whole secret. */
function diffValues(path: string, old: Value, next: Value, changes: Changes): void {
  const isPlain = !old.secret && !next.secret;
  if (isPlain && Array.isArray(old.data) && Array.isArray(next.data)) {
    diffLists(path, old.data, next.data, changes);
  } else if (isPlain && old.data instanceof Map && next.data instanceof Map) {
    diffMaps(path, old.data, next.data, changes);
  } else if (!equals(old, next)) {
    if (old.data === null) changes.set(path, "ADD");
    else changes.set(path, next.data === null ? "DELETE" : "UPDATE");
  }
}

/** The engine's path syntax: `a.b`, or `a["b-c"]` if the key has other characters than letters, digits and `_`. */
function joinPath(path: string, key: string): string {
  if (path === "") return key;
  return /^\w*$/.test(key) ? `${path}.${key}` : `${path}["${key.replaceAll('"', '\\"')}"]`;
}
