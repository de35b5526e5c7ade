/** Validates and compares the inputs of a resource like the real provider. */
import type { Kind } from "./kinds/kind";
import { sameValue, UNKNOWN, type PlainProperties } from "./plain";

export interface CheckFailure {
  property: string;
  reason: string;
}

export function failures(kind: Kind, inputs: PlainProperties): CheckFailure[] {
  const missing = kind.required.filter((name) => inputs[name] === undefined);
  const known = [...kind.required, ...kind.optional];
  const unknownNames = ownNames(inputs).filter((name) => !known.includes(name));
  const invalid = Object.entries(kind.validate?.(inputs) ?? {}).flatMap(([property, reason]) => {
    return reason === undefined || inputs[property] === UNKNOWN ? [] : [{ property, reason }];
  });
  return [
    ...missing.map((property) => ({ property, reason: "Missing required argument" })),
    ...unknownNames.map((property) => ({
      property,
      reason:
        "the stand-in for the aws plugin does not support this argument (the real provider may)",
    })),
    ...invalid,
  ];
}

export interface Difference {
  property: string;
  replaces: boolean;
  change: "ADD" | "DELETE" | "UPDATE";
}

/** The changed properties. `old`: the recorded inputs. */
export function differences(kind: Kind, old: PlainProperties, next: PlainProperties): Difference[] {
  const names = [...new Set([...ownNames(old), ...ownNames(next)])];
  const changed = names.filter((name) => {
    if (next[name] === undefined && kind.chosen.includes(name)) return false;
    return !sameValue(old[name], next[name], kind.sets.includes(name));
  });
  const alsoReplacing = kind.alsoReplacing?.(old, next, changed) ?? [];
  return changed.map((property) => ({
    property,
    replaces: kind.replacing.includes(property) || alsoReplacing.includes(property),
    change:
      old[property] === undefined ? "ADD" : next[property] === undefined ? "DELETE" : "UPDATE",
  }));
}

/** Names that begin with two underscores belong to the engine and the Terraform bridge. */
function ownNames(properties: PlainProperties): string[] {
  return Object.keys(properties).filter((name) => !name.startsWith("__"));
}
