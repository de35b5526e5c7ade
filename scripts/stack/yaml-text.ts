/** YAML as text: replacements, comments, and new values in the style of the surrounding text. */
import { Document, Lexer, visit } from "yaml";
import { isPlainText } from "./plain-scalar";

export type YamlValue = string | number | boolean | YamlValue[] | { [key: string]: YamlValue };

/** Replaces the characters from `start` up to `end`; its new text has `\n` at line ends. */
export interface Splice {
  start: number;
  end: number;
  text: string;
}

/** Applies replacements, which must not overlap. New lines get the line ending of the line before them. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  return [...splices]
    .sort((a, b) => b.start - a.start || b.end - a.end)
    .reduce((edited, { start, end, text: added }) => {
      const before = edited.slice(0, start);
      return before + added.replaceAll("\n", lineEndAt(text, start)) + edited.slice(end);
    }, text);
}

function lineEndAt(text: string, offset: number): string {
  const before = text.lastIndexOf("\n", offset - 1);
  const end = before >= 0 ? before : text.indexOf("\n");
  return text[end - 1] === "\r" ? "\r\n" : "\n";
}

/** The comments in their order, without the white space around them. */
export function commentsIn(text: string): { offset: number; text: string }[] {
  const comments: { offset: number; text: string }[] = [];
  let offset = 0;
  let isScalar = false;
  for (const lexeme of new Lexer().lex(text)) {
    if (!isScalar && lexeme.startsWith("#")) comments.push({ offset, text: lexeme.trimEnd() });
    // Control characters of the lexer: 1f precedes a scalar, 02 begins a document, 18 is an error in a flow collection.
    isScalar = lexeme === "\x1f";
    if (!["\x1f", "\x02", "\x18"].includes(lexeme)) offset += lexeme.length;
  }
  return comments;
}

/** The start of the line that contains an offset, after a byte order mark. */
export function startOfLine(text: string, offset: number): number {
  const newline = text.lastIndexOf("\n", offset - 1);
  return newline < 0 && text.startsWith("\ufeff") ? 1 : newline + 1;
}

/** The start of the next line, or the end of the text; an offset at the start of a line is returned as it is. */
export function endOfLine(text: string, offset: number): number {
  if (offset > 0 && text[offset - 1] === "\n") return offset;
  const newline = text.indexOf("\n", offset);
  return newline < 0 ? text.length : newline + 1;
}

/** An insertion of whole lines at the start of a line, or at the end of the text. */
export function insertedLines(text: string, at: number, lines: string): Splice {
  const newline = at <= startOfLine(text, at) ? "" : "\n";
  return { start: at, end: at, text: newline + lines };
}

export function indented(lines: string, columns: number): string {
  return lines.replace(/^(?=.)/gm, " ".repeat(columns));
}

/** A value in block style, as whole lines. */
export function blockText(value: YamlValue): string {
  return write(new Document(value));
}

/** A value on one line: lists without padding, maps with padding unless the file's `text` has maps without. */
export function flowText(value: YamlValue, text: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => flowText(item, text)).join(", ")}]`;
  if (typeof value !== "object") return scalarText(value);
  if (Object.keys(value).length === 0) return "{}";
  const entries = flowEntries(value, text);
  return /\{\w/.test(text) ? `{${entries}}` : `{ ${entries} }`;
}

/** A map on one line, without its braces. */
export function flowEntries(value: Record<string, YamlValue>, text: string): string {
  return Object.entries(value)
    .map(([key, inner]) => `${scalarText(key)}: ${flowText(inner, text)}`)
    .join(", ");
}

/** Quoted as in a flow collection, where , [ ] { } end plain text. */
function scalarText(value: string | number | boolean): string {
  const document = new Document();
  document.contents = document.createNode([value], { flow: true });
  return write(document).trim().slice(1, -1);
}

function write(document: Document): string {
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === "string" && !isPlainText(scalar.value))
        scalar.type = "QUOTE_DOUBLE";
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
