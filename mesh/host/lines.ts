/** Lines of text that begin with a key. */

/** The lines of files by path. */
export type FileLines = ReadonlyMap<string, readonly string[]>;

/** Splits at the first separator; without one the rest is empty. */
export function splitAt(line: string, separator: string): [string, string] {
  const at = line.indexOf(separator);
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + separator.length)];
}

/** Groups lines `KEY<separator>REST` by key; keys and lines stay in order. */
export function groupLines(lines: readonly string[], separator: string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const line of lines) {
    const [key, rest] = splitAt(line, separator);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [rest]);
    else group.push(rest);
  }
  return groups;
}

/** Reports whether two files have the same lines; null is no file. */
export function sameLines(one: readonly string[] | null, other: readonly string[] | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((line, at) => line === other[at]);
}

export function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

/** Splits at the last separator; without one the first part is empty. */
export function splitAtLast(text: string, separator: string): [string, string] {
  const at = text.lastIndexOf(separator);
  return at < 0 ? ["", text] : [text.slice(0, at), text.slice(at + separator.length)];
}
