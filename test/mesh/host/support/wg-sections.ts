/** Text for `wg addconf`, in pieces. */

export function sectionsIn(lines: readonly string[]): string[][] {
  const sections: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("[")) sections.push([]);
    sections.at(-1)?.push(line);
  }
  return sections;
}
