/** Text in lines of at most 80 columns. */

const COLUMNS = 80;

const COMMAND = "(?:npx|pulumi|sudo|ip|ssh|ssh-keygen|export|echo|printf)";

/** The units that lines are broken between: words, and text to copy, that is, commands, their comments, and code. */
const UNITS = new RegExp(
  `^(?:npx|sudo|export) .*?(?= # | \\(|$)|(?<=[:,?.;] )${COMMAND} .*?(?= # |$)|(?<= )# .*$|\\(${COMMAND} [^)]*\\)\\S*|\`[^\`]*\`\\S*|\\S+`,
  "g",
);

/** The width without escape sequences of colours (picocolors). */
function widthOf(text: string): number {
  // eslint-disable-next-line no-control-regex -- ESC begins such a sequence
  return text.replaceAll(/\u001B\[\d+m/g, "").length;
}

/** `lead` and `text`, broken at spaces. Further lines are indented by `hang`, by default the width of `lead`. */
export function wrapped(lead: string, text: string, hang = widthOf(lead)): string {
  const indent = " ".repeat(hang);
  const lines: string[] = [];
  let line = lead;
  for (const [word] of text.matchAll(UNITS)) {
    const isEmpty = line === lead || line === indent;
    const longer = isEmpty ? line + word : `${line} ${word}`;
    if (isEmpty || widthOf(longer) <= COLUMNS) line = longer;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line].join("\n");
}

/** Wraps each line of `text`. Further lines are indented like the first one, but by at least two. */
export function wrapLines(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      const [indent = ""] = /^ */.exec(line) ?? [];
      return wrapped(indent, line.slice(indent.length), Math.max(2, indent.length));
    })
    .join("\n");
}
