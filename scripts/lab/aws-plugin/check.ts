/** Whether given inputs are a resource of their kind, and how two of them differ, as the real provider would say it. */
import type { Kind } from "./kinds/kind";
import { sameValue, UNKNOWN, type PlainProperties } from "./plain";

export interface Failure {
  property: string;
  reason: string;
}

export function failures(kind: Kind, inputs: PlainProperties): Failure[] {
  const missing = kind.required.filter((name) => inputs[name] === undefined);
  const known = [...kind.required, ...kind.optional];
  const strangers = ownNames(inputs).filter((name) => !known.includes(name));
  const wrong = Object.entries(kind.wrong?.(inputs) ?? {}).flatMap(([property, reason]) => {
    return reason === undefined || inputs[property] === UNKNOWN ? [] : [{ property, reason }];
  });
  return [
    ...missing.map((property) => ({ property, reason: "Missing required argument" })),
    ...strangers.map((property) => ({
      property,
      reason: "the stand-in for aws does not know this argument (the real provider may)",
    })),
    ...wrong,
  ];
}

export interface Difference {
  property: string;
  replaces: boolean;
  change: "ADD" | "DELETE" | "UPDATE";
}

/** `old`: the inputs that were recorded. */
export function differences(kind: Kind, old: PlainProperties, next: PlainProperties): Difference[] {
  const names = [...new Set([...ownNames(old), ...ownNames(next)])];
  const changed = names.filter((name) => {
    if (next[name] === undefined && kind.chosen.includes(name)) return false;
    return !sameValue(old[name], next[name], kind.sets.includes(name));
  });
  const more = kind.alsoReplacing?.(old, next, changed) ?? [];
  return changed.map((property) => ({
    property,
    replaces: kind.replacing.includes(property) || more.includes(property),
    change:
      old[property] === undefined ? "ADD" : next[property] === undefined ? "DELETE" : "UPDATE",
  }));
}

/** What begins with two underscores is the engine's and the real bridge's own. */
function ownNames(properties: PlainProperties): string[] {
  return Object.keys(properties).filter((name) => !name.startsWith("__"));
}
