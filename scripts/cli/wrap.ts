/** Text in lines of at most 80 columns, as wide as a terminal is without a word about it. */

const COLUMNS = 80;

/**
 * `lead` and `text`, broken at spaces; the following lines are indented as far as `lead` is long. A word that is longer than
 * a line, such as a command to copy, stays whole.
 */
export function wrapped(lead: string, text: string): string {
  const indent = " ".repeat(lead.length);
  const lines: string[] = [];
  let line = lead;
  for (const word of text.split(" ")) {
    const isEmpty = line === lead || line === indent;
    const longer = isEmpty ? line + word : `${line} ${word}`;
    if (isEmpty || longer.length <= COLUMNS) line = longer;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line].join("\n");
}

/** Each line of `text` wrapped, with its own indentation kept. */
export function wrapLines(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const [indent = ""] = /^ */.exec(line) ?? [];
      return wrapped(indent, line.slice(indent.length));
    })
    .join("\n");
}
