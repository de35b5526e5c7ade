/** Shortens long lists of names. */

const SHOWN = 6;

/** `a, b, c` or, of more than seven, `a, ..., f and 12 more`. */
export function shortList(names: readonly string[]): string {
  if (names.length <= SHOWN + 1) return names.join(", ");
  return `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more`;
}
