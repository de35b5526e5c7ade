/**
 * What changes between old and new inputs, per property path, as the real plugin says it: every change is an update,
 * only `triggers` coming, going or changing as a whole replaces. (That a change *inside* triggers replaces too is the
 * SDK's doing: it registers the resource with `replaceOnChanges: ["triggers[*]"]`.)
 */
import { equals, type Properties, unknown, type Value } from "../provider/values";

export type Kind =
  "ADD" | "DELETE" | "UPDATE" | "ADD_REPLACE" | "DELETE_REPLACE" | "UPDATE_REPLACE";

/** Property path → what happens there. Empty: no change. */
export function diffInputs(old: Properties, next: Properties): Map<string, Kind> {
  const changes = new Map<string, "ADD" | "DELETE" | "UPDATE">();
  diffMaps("", withoutInternals(old), withoutInternals(next), changes);
  return new Map(
    [...changes].map(([path, kind]) => [path, path === "triggers" ? `${kind}_REPLACE` : kind]),
  );
}

/** The property at the head of a path. */
export function propertyOf(path: string): string {
  return /^[^.[]+/.exec(path)?.[0] ?? path;
}

type Changes = Map<string, "ADD" | "DELETE" | "UPDATE">;

/** `version` and what begins with two underscores is the engine's own. */
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
    const successor = next.get(key);
    if (successor === undefined) changes.set(step(path, key), "DELETE");
    // An unknown secret counts as the same: nothing is known against it.
    else if (!(successor.data === unknown && successor.secret))
      diffValues(step(path, key), value, successor, changes);
  }
  for (const [key, value] of next) {
    if (!old.has(key) && !(value.data === unknown && value.secret))
      changes.set(step(path, key), "ADD");
  }
}

function diffLists(path: string, old: Value[], next: Value[], changes: Changes): void {
  old.forEach((value, i) => {
    const successor = next[i];
    if (successor === undefined) changes.set(`${path}[${i}]`, "DELETE");
    else diffValues(`${path}[${i}]`, value, successor, changes);
  });
  for (let i = old.length; i < next.length; i++) changes.set(`${path}[${i}]`, "ADD");
}

/** Secrets are compared as one: a change somewhere inside is a change of the whole. */
function diffValues(path: string, old: Value, next: Value, changes: Changes): void {
  const open = !old.secret && !next.secret;
  if (open && Array.isArray(old.data) && Array.isArray(next.data)) {
    diffLists(path, old.data, next.data, changes);
  } else if (open && old.data instanceof Map && next.data instanceof Map) {
    diffMaps(path, old.data, next.data, changes);
  } else if (!equals(old, next)) {
    if (old.data === null) changes.set(path, "ADD");
    else changes.set(path, next.data === null ? "DELETE" : "UPDATE");
  }
}

/** The engine's path syntax: `a.b`, or `a["b-c"]` where the key has other than letters, digits and `_`. */
function step(path: string, key: string): string {
  if (path === "") return key;
  return /^\w*$/.test(key) ? `${path}.${key}` : `${path}["${key.replaceAll('"', '\\"')}"]`;
}
