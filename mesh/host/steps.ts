/** Live steps with the steps that undo them. */
import type { LiveStep } from "./change";

export interface Part {
  apply: LiveStep[];
  /** In the order in which they run. Idempotent, and valid after any part of `apply`. */
  undo: LiveStep[];
}

export const NOTHING: Part = { apply: [], undo: [] };

/** One after the other; undone in reverse. */
export function inOrder(parts: readonly Part[]): Part {
  return {
    apply: parts.flatMap(({ apply }) => apply),
    undo: [...parts].reverse().flatMap(({ undo }) => undo),
  };
}

/** No step if there are no lines. */
export function ipStep(lines: string[], family: "ip" | "ip6" = "ip"): LiveStep[] {
  return lines.length === 0 ? [] : [{ do: family, lines }];
}

/** No step if there are no keys. */
export function forgetStep(name: string, keys: readonly string[]): LiveStep[] {
  return keys.length === 0 ? [] : [{ do: "forget", interface: name, keys: [...keys] }];
}
